//! Processes a volt starts: `host/executeProcess`, and counting what is still alive of them.

use std::collections::BTreeMap;
use std::io;
use std::process::{Command, Output};

/// The environment of Lapce as one test wants it, and a mark by which the processes started in it are known.
#[derive(Debug, Clone)]
pub(crate) struct Environment {
    variables: BTreeMap<String, String>,
    mark: String,
}

/// The variable that marks a volt's processes. Descendants inherit it, whoever their parent has become.
const MARK: &str = "VOLT_HOST_INSTANCE";

/// A process started by a volt and still running.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Process {
    /// Its id.
    pub id: u32,
    /// Its program and arguments.
    pub argv: Vec<String>,
}

impl Environment {
    /// This process's environment (as far as it is UTF-8), changed: `None` removes a variable.
    pub fn new(changes: &BTreeMap<String, Option<String>>, mark: String) -> Environment {
        let mut variables: BTreeMap<String, String> = std::env::vars_os()
            .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
            .collect();
        for (name, value) in changes {
            match value {
                Some(value) => variables.insert(name.clone(), value.clone()),
                None => variables.remove(name),
            };
        }
        Environment { variables, mark }
    }

    pub fn variables(&self) -> &BTreeMap<String, String> {
        &self.variables
    }

    /// Runs a program as Lapce does: no standard input, and it is over when the program has ended and its
    /// standard output and error are closed.
    pub fn run(&self, program: &str, args: &[String]) -> io::Result<Output> {
        self.command(program, args).output()
    }

    /// A program to be run in this environment.
    pub fn command(&self, program: &str, args: &[String]) -> Command {
        let mut command = Command::new(program);
        command.args(args).env_clear().envs(&self.variables).env(MARK, &self.mark);
        command
    }

    /// The marked processes that are alive; a zombie is not.
    #[cfg(target_os = "linux")]
    pub fn processes(&self) -> io::Result<Vec<Process>> {
        let mark = format!("{MARK}={}", self.mark);
        let mut found = Vec::new();
        for entry in std::fs::read_dir("/proc")?.flatten() {
            let Some(id) = entry.file_name().to_str().and_then(|name| name.parse().ok()) else { continue };
            // Processes may end while they are looked at, and those of others may not be read; a zombie's
            // environment is empty.
            let Ok(environment) = std::fs::read(entry.path().join("environ")) else { continue };
            if environment.split(|byte| *byte == 0).any(|variable| variable == mark.as_bytes()) {
                let argv = std::fs::read(entry.path().join("cmdline")).unwrap_or_default();
                let argv = argv.strip_suffix(&[0]).unwrap_or(&argv).split(|byte| *byte == 0);
                let argv = argv.map(|arg| String::from_utf8_lossy(arg).into_owned()).collect();
                found.push(Process { id, argv });
            }
        }
        Ok(found)
    }

    /// The marked processes that are alive.
    #[cfg(not(target_os = "linux"))]
    pub fn processes(&self) -> io::Result<Vec<Process>> {
        Err(io::Error::from(io::ErrorKind::Unsupported))
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn background_processes_are_found_by_their_mark_until_they_end() {
        let ours = Environment::new(&BTreeMap::new(), format!("test-{}-ours", std::process::id()));
        let other = Environment::new(&BTreeMap::new(), format!("test-{}-other", std::process::id()));
        let script = "sleep 60 >/dev/null 2>&1 & echo $!";
        let output = ours.run("sh", &["-c".to_owned(), script.to_owned()]).unwrap();
        let id: u32 = String::from_utf8(output.stdout).unwrap().trim().parse().unwrap();
        // The program may still be about to take the place of the shell that was forked for it.
        while ours.processes().unwrap().iter().all(|process| process.argv != ["sleep", "60"]) {
            std::thread::yield_now();
        }
        assert_eq!(ours.processes().unwrap().iter().map(|process| process.id).collect::<Vec<_>>(), [id]);
        assert_eq!(other.processes().unwrap(), []);
        other.run("kill", &[id.to_string()]).unwrap();
        while !ours.processes().unwrap().is_empty() {
            std::thread::yield_now();
        }
    }

    #[test]
    fn programs_are_looked_up_in_the_changed_path() {
        let changes = BTreeMap::from([("PATH".to_owned(), Some("/nowhere".to_owned()))]);
        let environment = Environment::new(&changes, "path".to_owned());
        let error = environment.run("sh", &[]).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::NotFound);
    }
}
