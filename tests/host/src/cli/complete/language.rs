//! The language ids that Lapce gives to files, for the common kinds.

use std::path::Path;

/// The language id of a file by its name; empty where Lapce has none.
pub fn of(path: &Path) -> &'static str {
    let extension = path.extension().map(|extension| extension.to_string_lossy().to_lowercase());
    match extension.as_deref() {
        Some("bat") => "bat",
        Some("c" | "h") => "c",
        Some("cc" | "cpp" | "cxx" | "hh" | "hpp" | "hxx") => "cpp",
        Some("clj" | "cljs") => "clojure",
        Some("cs") => "csharp",
        Some("css") => "css",
        Some("dart") => "dart",
        Some("ex" | "exs") => "elixir",
        Some("elm") => "elm",
        Some("erl" | "hrl") => "erlang",
        Some("fs" | "fsx") => "fsharp",
        Some("go") => "go",
        Some("html" | "htm") => "html",
        Some("java") => "java",
        Some("js" | "cjs" | "mjs") => "javascript",
        Some("jsx") => "javascriptreact",
        Some("json") => "json",
        Some("jl") => "julia",
        Some("kt" | "kts") => "kotlin",
        Some("lua") => "lua",
        Some("md") => "markdown",
        Some("php") => "php",
        Some("pl" | "pm") => "perl",
        Some("py" | "pyi") => "python",
        Some("r") => "r",
        Some("rb") => "ruby",
        Some("rs") => "rust",
        Some("scala" | "sbt") => "scala",
        Some("sh" | "bash" | "zsh") => "shellscript",
        Some("sql") => "sql",
        Some("swift") => "swift",
        Some("toml") => "toml",
        Some("ts" | "cts" | "mts") => "typescript",
        Some("tsx") => "typescriptreact",
        Some("xml") => "xml",
        Some("yaml" | "yml") => "yaml",
        Some("zig") => "zig",
        _ => "",
    }
}
