//! Which files anything may be sent of.

use super::{EngineSettings, Trigger};

/// Files that usually hold secrets, as globs; see [`matches`] for what they match.
pub const SECRET: &[&str] = &[
    ".env*",
    "*.env",
    ".dev.vars",
    "*.pem",
    "*.key",
    "*.p12",
    "*.pfx",
    "*.jks",
    "*.keystore",
    "*.kdbx",
    "*.ppk",
    "*.tfstate",
    "*.tfvars",
    "id_rsa*",
    "id_dsa*",
    "id_ecdsa*",
    "id_ed25519*",
    "secrets.*",
    "credentials",
    "credentials.*",
    "service-account*.json",
    ".netrc",
    "_netrc",
    ".npmrc",
    ".pypirc",
    ".pgpass",
    ".htpasswd",
    ".git-credentials",
    ".ssh/",
    ".aws/",
    ".azure/",
    ".gnupg/",
    ".kube/",
    ".docker/",
    "gcloud/",
    "lapce-*/settings.toml",
];

/// Whether and when suggestions are made in a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Permission {
    /// On typing, and when invoked.
    Automatic,
    /// Only when invoked.
    Invoked,
    /// Never: nothing of the file may be sent, not even as context for another.
    Never(Refusal),
}

/// Why no suggestions are made in a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// `trigger` is off.
    Off,
    /// `languages` has its language off.
    Language,
    /// `ignore` names it.
    Ignored,
    /// `secret-files` names it.
    Secret,
}

impl EngineSettings {
    /// What is allowed in the file of that path (with `/`) and language id.
    pub fn permission(&self, path: &str, language: &str) -> Permission {
        let path = path.to_ascii_lowercase();
        if self.secret_files.iter().any(|glob| matches(glob, &path)) {
            return Permission::Never(Refusal::Secret);
        }
        if self.ignore.iter().any(|glob| matches(glob, &path)) {
            return Permission::Never(Refusal::Ignored);
        }
        let own = self.languages.iter().find(|(id, _)| id == language).map(|(_, trigger)| *trigger);
        match own.unwrap_or(self.trigger) {
            Trigger::Automatic => Permission::Automatic,
            Trigger::Invoked => Permission::Invoked,
            Trigger::Off if own.is_some() => Permission::Never(Refusal::Language),
            Trigger::Off => Permission::Never(Refusal::Off),
        }
    }
}

/// Whether a glob matches a path given in lower case. It does at any depth; one that ends in `/`
/// names a folder and matches everything in it. Case does not count: on some systems it does not
/// for files, and a secret sent once is sent.
fn matches(glob: &str, path: &str) -> bool {
    let glob = glob.trim_start_matches("./").trim_start_matches('/').to_ascii_lowercase();
    let inside = if glob.ends_with('/') { "**" } else { "" };
    let path = path.trim_start_matches('/');
    fast_glob::glob_match(format!("**/{glob}{inside}"), path)
}

/// Allows globs that can match something.
pub fn check(glob: &str) -> Result<(), String> {
    if glob.trim().is_empty() || glob.starts_with('!') {
        return Err("a glob (one cannot take files back in with `!`)".to_owned());
    }
    fast_glob::validate(glob).map_err(|error| format!("a glob ({error})"))
}
