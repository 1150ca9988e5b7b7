//! Which messages a volt gets: by what it registered in its answer to `initialize`, and by its `[activation]`.

use std::path::Path;

use globset::{Glob, GlobMatcher};
use lsp_types::{
    ServerCapabilities, TextDocumentSyncCapability, TextDocumentSyncKind, TextDocumentSyncOptions,
    TextDocumentSyncSaveOptions,
};

/// What Lapce asks for anew after every change of a document, in this order (`on_update` in its `doc.rs`;
/// `get_folding_range` there asks nothing).
pub(super) const ASKED_ON_CHANGE: [&str; 4] = [
    "textDocument/inlayHint",
    "textDocument/semanticTokens/full",
    "textDocument/codeLens",
    "textDocument/documentSymbol",
];

/// What it asks for anew at every `experimental/serverStatus` that is `ok` (its `window_tab.rs`).
pub(super) const ASKED_AGAIN: [&str; 4] = [
    "textDocument/codeLens",
    "textDocument/documentSymbol",
    "textDocument/semanticTokens/full",
    "textDocument/inlayHint",
];

/// Whether the volt registered for a request or for `didOpen`.
pub(super) fn registered(capabilities: &ServerCapabilities, method: &str) -> bool {
    match method {
        "textDocument/didOpen" => match &capabilities.text_document_sync {
            Some(TextDocumentSyncCapability::Options(TextDocumentSyncOptions {
                open_close, change, ..
            })) => open_close.or(change.map(|kind| kind != TextDocumentSyncKind::NONE)).unwrap_or(false),
            _ => sync_kind(capabilities) != TextDocumentSyncKind::NONE,
        },
        "textDocument/inlayHint" => capabilities.inlay_hint_provider.is_some(),
        "textDocument/semanticTokens/full" => capabilities.semantic_tokens_provider.is_some(),
        "textDocument/codeLens" => capabilities.code_lens_provider.is_some(),
        "textDocument/documentSymbol" => capabilities.document_symbol_provider.is_some(),
        "textDocument/inlineCompletion" => capabilities.inline_completion_provider.is_some(),
        _ => false,
    }
}

/// How changes are told: incremental, as full text, or not at all.
pub(super) fn sync_kind(capabilities: &ServerCapabilities) -> TextDocumentSyncKind {
    match &capabilities.text_document_sync {
        Some(TextDocumentSyncCapability::Kind(kind)) => *kind,
        Some(TextDocumentSyncCapability::Options(options)) => {
            options.change.unwrap_or(TextDocumentSyncKind::NONE)
        }
        None => TextDocumentSyncKind::NONE,
    }
}

/// Whether `didSave` is wanted, and whether with the text.
pub(super) fn save(capabilities: &ServerCapabilities) -> Option<bool> {
    let Some(TextDocumentSyncCapability::Options(options)) = &capabilities.text_document_sync else {
        return None;
    };
    match options.save.as_ref()? {
        TextDocumentSyncSaveOptions::Supported(wanted) => wanted.then_some(true),
        TextDocumentSyncSaveOptions::SaveOptions(save) => Some(save.include_text.unwrap_or(false)),
    }
}

/// The documents a volt is told about: the languages and globs of its `[activation]`.
#[derive(Debug, Clone, Default)]
pub struct Selector {
    languages: Vec<String>,
    globs: Vec<GlobMatcher>,
    everything: bool,
}

impl Selector {
    /// As Lapce makes it of `[activation]`: a glob that does not parse lets every document through.
    pub fn new(languages: &[String], globs: &[String]) -> Selector {
        let parsed: Vec<_> = globs.iter().map(|glob| Glob::new(glob)).collect();
        Selector {
            languages: languages.to_vec(),
            everything: parsed.iter().any(Result::is_err),
            globs: parsed.iter().flatten().map(Glob::compile_matcher).collect(),
        }
    }

    /// Every document.
    pub fn all() -> Selector {
        Selector { everything: true, ..Selector::default() }
    }

    /// Whether a document of this language at this path is told of.
    pub fn matches(&self, language: &str, path: &Path) -> bool {
        self.everything
            || self.languages.iter().any(|wanted| wanted == language)
            || self.globs.iter().any(|glob| glob.is_match(path))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn languages_and_globs_are_alternatives() {
        let strings = |texts: &[&str]| texts.iter().map(|t| (*t).to_owned()).collect::<Vec<_>>();
        let cases: [(&[&str], &[&str], bool); 5] = [
            (&["rust"], &[], true),
            (&["go"], &[], false),
            (&["go"], &["**/*"], true),
            (&[], &["**/*.toml"], false),
            (&[], &["a{"], true),
        ];
        for (languages, globs, matches) in cases {
            let selector = Selector::new(&strings(languages), &strings(globs));
            assert_eq!(selector.matches("rust", Path::new("/p/main.rs")), matches, "{languages:?} {globs:?}");
        }
    }
}
