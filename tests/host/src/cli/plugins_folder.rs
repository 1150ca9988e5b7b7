//! Where Lapce looks for its plugins on each system.
//!
//! `lapce-core/src/directory.rs` has `ProjectDirs::from("dev", "lapce", "Lapce-<Channel>")` of the crate `directories`.

use std::ffi::OsString;
use std::path::PathBuf;

use lexopt::{Parser, ValueExt};

use super::{Failure, usage};

/// A Lapce whose files are apart from the others'.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Channel {
    #[default]
    Stable,
    Nightly,
    Debug,
}

impl Channel {
    pub const ALL: [Self; 3] = [Self::Stable, Self::Nightly, Self::Debug];

    /// The word on the command line.
    pub fn word(self) -> &'static str {
        match self {
            Self::Stable => "stable",
            Self::Nightly => "nightly",
            Self::Debug => "debug",
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Stable => "Lapce-Stable",
            Self::Nightly => "Lapce-Nightly",
            Self::Debug => "Lapce-Debug",
        }
    }
}

/// The systems whose folders differ.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum System {
    Unix,
    MacOs,
    Windows,
}

impl System {
    const HERE: Self = if cfg!(windows) {
        Self::Windows
    } else if cfg!(target_os = "macos") {
        Self::MacOs
    } else {
        Self::Unix
    };
}

/// Which plugins folder a command is about.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Choice {
    pub channel: Channel,
    pub folder: Option<PathBuf>,
}

impl Choice {
    /// Takes the value of `--channel`.
    pub fn take_channel(&mut self, args: &mut Parser, command: &str) -> Result<(), Failure> {
        let word = args.value()?.string()?;
        let channel = Channel::ALL.into_iter().find(|channel| channel.word() == word);
        self.channel = channel
            .ok_or_else(|| usage(format_args!("--channel {word}: give stable, nightly or debug"), command))?;
        Ok(())
    }

    /// Takes the value of `--dir`.
    pub fn take_folder(&mut self, args: &mut Parser) -> Result<(), Failure> {
        self.folder = Some(PathBuf::from(args.value()?));
        Ok(())
    }

    /// The plugins folder.
    pub fn path(&self) -> Result<PathBuf, Failure> {
        match &self.folder {
            Some(folder) => Ok(folder.clone()),
            None => of_channel(self.channel),
        }
    }
}

/// The plugins folder of a channel on this machine.
pub fn of_channel(channel: Channel) -> Result<PathBuf, Failure> {
    find(System::HERE, channel, &|name| std::env::var_os(name)).map_err(|variable| {
        Failure::Failed(format!("{variable} is not set, so Lapce's folder is unknown: give it by --dir"))
    })
}

/// The same on any system; an error is the variable that is missing.
fn find(
    system: System,
    channel: Channel,
    env: &dyn Fn(&str) -> Option<OsString>,
) -> Result<PathBuf, &'static str> {
    let absolute =
        |name: &'static str| env(name).map(PathBuf::from).filter(|path| path.has_root()).ok_or(name);
    let data = match system {
        System::Unix => {
            let shared = match absolute("XDG_DATA_HOME") {
                Ok(shared) => shared,
                Err(_) => absolute("HOME")?.join(".local/share"),
            };
            shared.join(channel.name().to_lowercase())
        }
        System::MacOs => absolute("HOME")?
            .join("Library/Application Support")
            .join(format!("dev.lapce.{}", channel.name())),
        System::Windows => {
            let local = env("LOCALAPPDATA").filter(|path| !path.is_empty()).ok_or("LOCALAPPDATA")?;
            PathBuf::from(local).join("lapce").join(channel.name()).join("data")
        }
    };
    Ok(data.join("plugins"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_folder_is_where_lapce_looks() {
        for (system, channel, env, path) in [
            (
                System::Unix,
                Channel::Stable,
                &[("HOME", "/home/u")][..],
                "/home/u/.local/share/lapce-stable/plugins",
            ),
            (
                System::Unix,
                Channel::Nightly,
                &[("HOME", "/home/u"), ("XDG_DATA_HOME", "/data")],
                "/data/lapce-nightly/plugins",
            ),
            // The specification has relative paths ignored.
            (
                System::Unix,
                Channel::Debug,
                &[("HOME", "/home/u"), ("XDG_DATA_HOME", "data")],
                "/home/u/.local/share/lapce-debug/plugins",
            ),
            (
                System::MacOs,
                Channel::Stable,
                &[("HOME", "/Users/u"), ("XDG_DATA_HOME", "/data")],
                "/Users/u/Library/Application Support/dev.lapce.Lapce-Stable/plugins",
            ),
            (
                System::Windows,
                Channel::Stable,
                &[("LOCALAPPDATA", "C:/Users/u/AppData/Local")],
                "C:/Users/u/AppData/Local/lapce/Lapce-Stable/data/plugins",
            ),
        ] {
            let env = |name: &str| env.iter().find(|(key, _)| *key == name).map(|(_, value)| value.into());
            assert_eq!(find(system, channel, &env), Ok(PathBuf::from(path)));
        }
    }

    #[test]
    fn a_missing_variable_is_named() {
        for (system, variable) in
            [(System::Unix, "HOME"), (System::MacOs, "HOME"), (System::Windows, "LOCALAPPDATA")]
        {
            assert_eq!(find(system, Channel::Stable, &|_| None), Err(variable));
            assert_eq!(find(system, Channel::Stable, &|_| Some(OsString::new())), Err(variable));
        }
    }
}
