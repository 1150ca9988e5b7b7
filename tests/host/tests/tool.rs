//! The tool `volt` as a process: exit codes, what becomes of its words, what it does to a terminal.

use std::process::Command;

/// In `volt … |& head -1` nobody reads the words of the failure any more.
#[cfg(target_os = "linux")]
#[test]
fn a_failure_that_nobody_can_read_keeps_its_exit_code() {
    let full = std::fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
    let status = Command::new(env!("CARGO_BIN_EXE_volt")).args(["sse", "no-such-file"]).stderr(full).status();
    assert_eq!(status.unwrap().code(), Some(2));
}

#[cfg(unix)]
mod terminal {
    use std::fs::File;
    use std::io::Read;
    use std::os::fd::{FromRawFd, OwnedFd};
    use std::process::{Child, Command, Stdio};

    /// The alternate screen, on and off.
    const ENTER: &str = "\x1b[?1049h";
    const LEAVE: &str = "\x1b[?1049l";

    /// A terminal of this size: the end where what is written comes out, and the one that programs write to.
    fn terminal(columns: u16, rows: u16) -> (File, File) {
        let (mut screen, mut line) = (-1, -1);
        let mut size = libc::winsize { ws_row: rows, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0 };
        // SAFETY: openpty writes two descriptors, and reads a size; a null name and null settings are allowed.
        let made = unsafe {
            libc::openpty(
                &raw mut screen,
                &raw mut line,
                std::ptr::null_mut(),
                std::ptr::null_mut(),
                &raw mut size,
            )
        };
        assert_eq!(made, 0, "{}", std::io::Error::last_os_error());
        // SAFETY: nobody else has these two.
        let [screen, line] = [screen, line].map(|fd| unsafe { OwnedFd::from_raw_fd(fd) });
        (screen.into(), line.into())
    }

    /// The demo with these options on such a terminal.
    fn demo((columns, rows): (u16, u16), term: &str, options: &[&str]) -> (Child, File) {
        let (screen, line) = terminal(columns, rows);
        let mut demo = Command::new(env!("CARGO_BIN_EXE_volt"));
        demo.arg("demo").args(options).env("TERM", term).env_remove("NO_COLOR");
        // What cargo writes is not ours.
        let child = demo.stdin(Stdio::null()).stdout(line).stderr(Stdio::null()).spawn().unwrap();
        (child, screen)
    }

    /// What comes out until `is_enough`, or until the program has ended.
    fn read(screen: &mut File, is_enough: impl Fn(&str) -> bool) -> String {
        let mut bytes = Vec::new();
        let mut buffer = [0; 4096];
        // Linux ends a terminal that nobody writes to any more by an error.
        while let Ok(count @ 1..) = screen.read(&mut buffer) {
            bytes.extend_from_slice(&buffer[..count]);
            if is_enough(&String::from_utf8_lossy(&bytes)) {
                break;
            }
        }
        String::from_utf8_lossy(&bytes).into_owned()
    }

    #[test]
    fn the_demo_gives_back_the_screen_and_says_what_it_came_to() {
        let (mut child, mut screen) = demo((80, 24), "xterm", &[]);
        let text = read(&mut screen, |_| false);
        assert!(child.wait().unwrap().success(), "{text:?}");
        let (before, after) = text.split_once(LEAVE).unwrap();
        assert!(before.starts_with(ENTER) && before.contains("\x1b[7m Tab \x1b[m"), "{before:?}");
        assert!(after.starts_with("use std::") && after.contains("no stale ghost"), "{after:?}");
        assert!(!after.contains('\x1b'), "{after:?}");
    }

    #[test]
    fn the_demo_gives_back_the_screen_when_it_is_interrupted() {
        let (mut child, mut screen) = demo((80, 24), "xterm", &[]);
        let begun = read(&mut screen, |text| text.contains("fn parse"));
        assert!(begun.starts_with(ENTER), "{begun:?}");
        // SAFETY: the process is our child, and has not been waited for.
        assert_eq!(unsafe { libc::kill(child.id().cast_signed(), libc::SIGINT) }, 0);
        let rest = read(&mut screen, |_| false);
        assert_eq!(child.wait().unwrap().code(), Some(130));
        assert!(rest.ends_with(LEAVE), "{rest:?}");
    }

    #[test]
    fn the_demo_gives_back_the_screen_when_it_fails() {
        let options = ["--provider", "ollama", "--base-url", "http://127.0.0.1:9"];
        let (mut child, mut screen) = demo((80, 24), "xterm", &options);
        let text = read(&mut screen, |_| false);
        assert_eq!(child.wait().unwrap().code(), Some(1));
        assert!(text.starts_with(ENTER) && text.ends_with(LEAVE), "{text:?}");
    }

    #[test]
    fn the_demo_writes_lines_where_it_cannot_be_drawn() {
        for (size, term) in [((40, 12), "xterm"), ((80, 24), "dumb")] {
            let (mut child, mut screen) = demo(size, term, &[]);
            let text = read(&mut screen, |_| false);
            assert!(child.wait().unwrap().success(), "{text:?}");
            assert!(!text.contains('\x1b') && text.contains("pressed: Tab"), "{size:?} {term}: {text:?}");
        }
    }
}
