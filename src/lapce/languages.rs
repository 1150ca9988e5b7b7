//! The language of a file by its name, for files without `didOpen`.

/// Lapce's id for the language of a file (`language_id_from_path` in lapce-proxy's `buffer.rs`); empty if Lapce does
/// not know it.
pub fn language_id(path: &str) -> &'static str {
    let name = path.rsplit('/').next().unwrap_or(path);
    match name.rsplit_once('.') {
        // The only extensions that depend on case.
        Some((stem, "C" | "H")) if !stem.is_empty() => "cpp",
        Some((stem, extension)) if !stem.is_empty() => find(EXTENSIONS, extension),
        _ => find(NAMES, name),
    }
}

/// All of Lapce's language ids.
pub fn language_ids() -> impl Iterator<Item = &'static str> + Clone {
    EXTENSIONS.iter().map(|(id, _)| *id)
}

fn find(table: &[(&'static str, &str)], wanted: &str) -> &'static str {
    let wanted = wanted.to_ascii_lowercase();
    let row = table.iter().find(|(_, names)| names.split(' ').any(|name| name == wanted));
    row.map_or("", |(id, _)| id)
}

/// Their ids are in [`EXTENSIONS`] as well.
const NAMES: &[(&str, &str)] = &[("dockerfile", "dockerfile"), ("makefile", "makefile gnumakefile")];

const EXTENSIONS: &[(&str, &str)] = &[
    ("bat", "bat"),
    ("clojure", "clj cljs cljc edn"),
    ("coffeescript", "coffee"),
    ("c", "c h"),
    ("cpp", "cpp hpp cxx hxx c++ h++ cc hh"),
    ("csharp", "cs csx"),
    ("css", "css"),
    ("dlang", "d di dlang"),
    ("diff", "diff patch"),
    ("dart", "dart"),
    ("dockerfile", "dockerfile"),
    ("elm", "elm"),
    ("elixir", "ex exs"),
    ("erlang", "erl hrl"),
    ("fsharp", "fs fsi fsx fsscript"),
    ("git", "git-commit git-rebase"),
    ("go", "go"),
    ("groovy", "groovy gvy gy gsh"),
    ("handlebars", "hbs"),
    ("html", "htm html xhtml"),
    ("ini", "ini"),
    ("java", "java class"),
    ("javascript", "js"),
    ("javascriptreact", "jsx"),
    ("json", "json"),
    ("julia", "jl"),
    ("kotlin", "kt"),
    ("kotlinbuildscript", "kts"),
    ("less", "less"),
    ("lua", "lua"),
    ("makefile", "makefile gnumakefile"),
    ("markdown", "md markdown"),
    ("objective-c", "m"),
    ("objective-cpp", "mm"),
    ("perl", "plx pl pm xs t pod cgi"),
    ("perl6", "p6 pm6 pod6 t6 raku rakumod rakudoc rakutest"),
    ("php", "php phtml pht phps"),
    ("proto", "proto"),
    ("powershell", "ps1 ps1xml psc1 psm1 psd1 pssc psrc"),
    ("python", "py pyi pyc pyd pyw"),
    ("r", "r"),
    ("ruby", "rb"),
    ("rust", "rs"),
    ("scss", "scss sass"),
    ("scala", "sc scala"),
    ("shellscript", "sh bash zsh"),
    ("sql", "sql"),
    ("swift", "swift"),
    ("svelte", "svelte"),
    ("thrift", "thrift"),
    ("toml", "toml"),
    ("typescript", "ts"),
    ("typescriptreact", "tsx"),
    ("tex", "tex"),
    ("vb", "vb"),
    ("xml", "xml csproj"),
    ("xsl", "xsl"),
    ("yaml", "yml yaml"),
    ("zig", "zig"),
    ("vue", "vue"),
];

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    #[test]
    fn a_file_has_the_language_that_lapce_tells_of_it() {
        let extensions = EXTENSIONS.iter().flat_map(|(_, names)| names.split(' '));
        let paths = extensions.map(|extension| format!("src/a.{extension}")).chain(
            [
                "Makefile",
                "a/Dockerfile",
                "a.C",
                "a.H",
                "a.M",
                "A.RS",
                "a.b.py",
                ".bashrc",
                ".c",
                "LICENSE",
                "a.",
                "",
            ]
            .map(str::to_owned),
        );
        for path in paths {
            assert_eq!(language_id(&path), lapce_editor::language_id(Path::new(&path)), "{path}");
        }
    }
}
