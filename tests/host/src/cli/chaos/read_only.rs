//! The plugin's folder, read-only for a while.

use std::ffi::CString;
use std::fs::{self, Permissions};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::thread::sleep;
use std::time::Duration;

/// A disk with a file that is open for writing is tried again so often, after so long.
const TRIES: usize = 10;
const AGAIN: Duration = Duration::from_millis(20);

/// While it lives, nothing can be made, changed or removed in the folder.
pub enum ReadOnly {
    /// The disk that the folder is on is mounted read-only: that binds root, too.
    Mounted(CString),
    /// The permissions of the folder and of those in it, as they were.
    Permissions(Vec<(PathBuf, Permissions)>),
}

impl ReadOnly {
    /// Makes this folder read-only: by the disk, where it is on one of its own, else by permissions. `None` where that
    /// cannot be: for root, whom permissions do not bind, or while a file on the disk is open for writing.
    pub fn new(folder: &Path, disk: Option<&Path>) -> Option<Self> {
        let Some(disk) = disk else { return Self::by_permissions(folder) };
        let disk = CString::new(disk.as_os_str().as_bytes()).ok()?;
        let is_done = (0..TRIES).any(|number| {
            if number > 0 {
                sleep(AGAIN);
            }
            remount(&disk, true)
        });
        is_done.then_some(Self::Mounted(disk))
    }

    fn by_permissions(folder: &Path) -> Option<Self> {
        let inner = fs::read_dir(folder).ok()?.flatten().map(|entry| entry.path());
        let folders = inner.filter(|path| path.is_dir()).chain([folder.to_owned()]);
        let before: Vec<_> =
            folders.filter_map(|path| Some((path.metadata().ok()?.permissions(), path))).collect();
        for (permissions, path) in &before {
            // An agent's folder may be gone by now.
            let _ = fs::set_permissions(path, Permissions::from_mode(permissions.mode() & !0o222));
        }
        let read_only = Self::Permissions(before.into_iter().map(|(was, path)| (path, was)).collect());
        let probe = folder.join("probe");
        let binds = fs::write(&probe, []).is_err();
        let _ = fs::remove_file(probe);
        binds.then_some(read_only)
    }
}

impl Drop for ReadOnly {
    fn drop(&mut self) {
        match self {
            Self::Mounted(disk) => {
                remount(disk, false);
            }
            Self::Permissions(before) => {
                for (path, was) in before {
                    let _ = fs::set_permissions(path, was.clone());
                }
            }
        }
    }
}

/// Has this disk take writes, or none, from now on; whether that worked.
#[cfg(target_os = "linux")]
fn remount(disk: &CString, is_read_only: bool) -> bool {
    let flags = libc::MS_REMOUNT | libc::MS_BIND | if is_read_only { libc::MS_RDONLY } else { 0 };
    let none = std::ptr::null();
    // SAFETY: a plain system call; the path lives across it, and a remount needs none of the other strings.
    unsafe { libc::mount(none, disk.as_ptr(), none, flags, none.cast()) == 0 }
}

/// Elsewhere there is no small disk.
#[cfg(not(target_os = "linux"))]
fn remount(_: &CString, _: bool) -> bool {
    false
}
