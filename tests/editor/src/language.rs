//! What Lapce knows about languages by a file's name: the id it tells volts, and the indentation it falls back on.

use std::path::Path;

/// The `languageId` that lapce-proxy gives to a file (`language_id_from_path` in its `buffer.rs`); empty for all it
/// does not know.
pub fn language_id(path: &Path) -> &'static str {
    let name = |name: &std::ffi::OsStr| name.to_str().map(str::to_lowercase);
    let Some(extension) = path.extension() else {
        return match path.file_name().and_then(name).as_deref() {
            Some("dockerfile") => "dockerfile",
            Some("makefile" | "gnumakefile") => "makefile",
            _ => "",
        };
    };
    match extension.to_str() {
        Some("C" | "H") => return "cpp",
        Some("M") => return "objective-c",
        _ => {}
    }
    match name(extension).as_deref() {
        Some("bat") => "bat",
        Some("clj" | "cljs" | "cljc" | "edn") => "clojure",
        Some("coffee") => "coffeescript",
        Some("c" | "h") => "c",
        Some("cpp" | "hpp" | "cxx" | "hxx" | "c++" | "h++" | "cc" | "hh") => "cpp",
        Some("cs" | "csx") => "csharp",
        Some("css") => "css",
        Some("d" | "di" | "dlang") => "dlang",
        Some("diff" | "patch") => "diff",
        Some("dart") => "dart",
        Some("dockerfile") => "dockerfile",
        Some("elm") => "elm",
        Some("ex" | "exs") => "elixir",
        Some("erl" | "hrl") => "erlang",
        Some("fs" | "fsi" | "fsx" | "fsscript") => "fsharp",
        Some("git-commit" | "git-rebase") => "git",
        Some("go") => "go",
        Some("groovy" | "gvy" | "gy" | "gsh") => "groovy",
        Some("hbs") => "handlebars",
        Some("htm" | "html" | "xhtml") => "html",
        Some("ini") => "ini",
        Some("java" | "class") => "java",
        Some("js") => "javascript",
        Some("jsx") => "javascriptreact",
        Some("json") => "json",
        Some("jl") => "julia",
        Some("kt") => "kotlin",
        Some("kts") => "kotlinbuildscript",
        Some("less") => "less",
        Some("lua") => "lua",
        Some("makefile" | "gnumakefile") => "makefile",
        Some("md" | "markdown") => "markdown",
        Some("m") => "objective-c",
        Some("mm") => "objective-cpp",
        Some("plx" | "pl" | "pm" | "xs" | "t" | "pod" | "cgi") => "perl",
        Some("p6" | "pm6" | "pod6" | "t6" | "raku" | "rakumod" | "rakudoc" | "rakutest") => "perl6",
        Some("php" | "phtml" | "pht" | "phps") => "php",
        Some("proto") => "proto",
        Some("ps1" | "ps1xml" | "psc1" | "psm1" | "psd1" | "pssc" | "psrc") => "powershell",
        Some("py" | "pyi" | "pyc" | "pyd" | "pyw") => "python",
        Some("r") => "r",
        Some("rb") => "ruby",
        Some("rs") => "rust",
        Some("scss" | "sass") => "scss",
        Some("sc" | "scala") => "scala",
        Some("sh" | "bash" | "zsh") => "shellscript",
        Some("sql") => "sql",
        Some("swift") => "swift",
        Some("svelte") => "svelte",
        Some("thrift") => "thrift",
        Some("toml") => "toml",
        Some("ts") => "typescript",
        Some("tsx") => "typescriptreact",
        Some("tex") => "tex",
        Some("vb") => "vb",
        Some("xml" | "csproj") => "xml",
        Some("xsl") => "xsl",
        Some("yml" | "yaml") => "yaml",
        Some("zig") => "zig",
        Some("vue") => "vue",
        _ => "",
    }
}

/// One step of indentation in a file that shows none of its own (the table in lapce-core's `language.rs`).
pub(super) fn indent_unit(language: &str) -> &'static str {
    match language {
        "clojure" | "css" | "dart" | "dockerfile" | "elixir" | "handlebars" | "javascript"
        | "javascriptreact" | "kotlin" | "kotlinbuildscript" | "lua" | "php" | "proto" | "r" | "ruby"
        | "scss" | "shellscript" | "sql" | "svelte" | "swift" | "tex" | "toml" | "vue" | "yaml" => "  ",
        "c" | "cpp" | "csharp" | "elm" | "erlang" | "html" | "java" | "json" | "julia" | "markdown"
        | "powershell" | "python" | "rust" | "typescript" | "typescriptreact" | "dlang" | "xml" | "zig" => {
            "    "
        }
        _ => "\t",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_of_a_file_says_its_language() {
        for (path, id) in [
            ("src/main.rs", "rust"),
            ("A.RS", "rust"),
            ("a.C", "cpp"),
            ("a.c", "c"),
            ("build.gradle.kts", "kotlinbuildscript"),
            ("Makefile", "makefile"),
            ("Dockerfile", "dockerfile"),
            ("a.mjs", ""),
            ("a.hs", ""),
            ("LICENSE", ""),
            (".bashrc", ""),
        ] {
            assert_eq!(language_id(Path::new(path)), id, "{path}");
        }
    }
}
