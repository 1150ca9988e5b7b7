//! The folder of one running volt: a fresh copy, so that what the volt leaves behind can be counted.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use anyhow::Context;

use crate::volt_toml::VoltToml;

/// A temporary folder with the files of a volt; removed when dropped.
#[derive(Debug)]
pub(crate) struct Folder {
    path: PathBuf,
    at_start: BTreeSet<PathBuf>,
}

impl Folder {
    /// Copies what a published volt consists of: `volt.toml`, `README.md`, the icon, the wasm; and `extra` files.
    ///
    /// # Errors
    /// What cannot be made, read or written, by its path.
    pub fn copy(
        source: &Path,
        manifest: &VoltToml,
        wasm: &Path,
        extra: &[(PathBuf, Vec<u8>)],
    ) -> anyhow::Result<Folder> {
        let path = make_in(&std::env::temp_dir())?;
        let mut folder = Folder { path, at_start: BTreeSet::new() };
        for file in manifest.companions() {
            if source.join(file).is_file() {
                folder.put(file, |to| fs::copy(source.join(file), to))?;
            }
        }
        let target = manifest.wasm.as_deref().context("volt.toml names no wasm")?;
        folder.put(target, |to| fs::copy(wasm, to))?;
        for (file, content) in extra {
            folder.put(file, |to| fs::write(to, content))?;
        }
        folder.at_start = folder.files();
        Ok(folder)
    }

    fn put<T>(&self, file: &Path, write: impl FnOnce(&Path) -> io::Result<T>) -> anyhow::Result<()> {
        let to = self.path.join(file);
        to.parent().map_or(Ok(()), fs::create_dir_all)?;
        write(&to).map(drop).with_context(|| to.display().to_string())
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Files, pipes and folders that were not there at the start, relative to the folder.
    pub fn left(&self) -> Vec<PathBuf> {
        self.files().difference(&self.at_start).cloned().collect()
    }

    /// Makes it impossible to create files here. Permissions do not bind root, so for root the folder is taken
    /// away: who holds it open cannot create anything in it either.
    #[cfg(unix)]
    pub fn forbid_writing(&self) -> io::Result<()> {
        self.set_mode(0o555)?;
        if fs::write(self.path.join("probe"), []).is_ok() {
            fs::remove_dir_all(&self.path)?;
        }
        Ok(())
    }

    /// Sets the permissions of the folder and of every folder in it.
    #[cfg(unix)]
    fn set_mode(&self, mode: u32) -> io::Result<()> {
        use std::os::unix::fs::PermissionsExt;

        let paths = self.files().into_iter().map(|file| self.path.join(file));
        let mut folders = paths.filter(|path| path.is_dir()).chain([self.path.clone()]);
        folders.try_for_each(|folder| fs::set_permissions(folder, fs::Permissions::from_mode(mode)))
    }

    /// Makes it impossible to create files here.
    #[cfg(not(unix))]
    pub fn forbid_writing(&self) -> io::Result<()> {
        Err(io::Error::from(io::ErrorKind::Unsupported))
    }

    fn files(&self) -> BTreeSet<PathBuf> {
        let mut found = BTreeSet::new();
        let mut folders = vec![self.path.clone()];
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
                let path = entry.path();
                if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
                    folders.push(path.clone());
                }
                found.insert(path.strip_prefix(&self.path).map_or(path.clone(), Path::to_owned));
            }
        }
        found
    }
}

/// Makes a folder of a new name in this one, which is left as it is: were it made where it is missing, it would stay
/// behind.
fn make_in(parent: &Path) -> anyhow::Result<PathBuf> {
    static COUNTER: AtomicU64 = AtomicU64::new(0);
    loop {
        let number = COUNTER.fetch_add(1, Ordering::Relaxed);
        let path = parent.join(format!("volt-host-{}-{number}", std::process::id()));
        match fs::create_dir(&path) {
            // Of a process that had this id before, and was killed.
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            made => {
                let hint = || format!("cannot make {}: name another folder in TMPDIR", path.display());
                made.with_context(hint)?;
                return Ok(path);
            }
        }
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // Taken away already, or not ours to change: then there is nothing to remove either.
        #[cfg(unix)]
        let _ = self.set_mode(0o755);
        let _ = fs::remove_dir_all(&self.path);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_temporary_folder_is_named_and_not_made() {
        let missing = std::env::temp_dir().join(format!("volt-folder-{}", std::process::id()));
        let error = make_in(&missing).unwrap_err().to_string();
        assert!(error.contains(&missing.display().to_string()) && error.contains("TMPDIR"), "{error}");
        assert!(!missing.exists());
    }

    #[test]
    fn what_another_process_left_is_not_taken_over() {
        let parent = std::env::temp_dir().join(format!("volt-folders-{}", std::process::id()));
        fs::create_dir(&parent).unwrap();
        let (one, other) = (make_in(&parent).unwrap(), make_in(&parent).unwrap());
        assert!(one != other && one.is_dir() && other.is_dir());
        fs::remove_dir_all(parent).unwrap();
    }
}
