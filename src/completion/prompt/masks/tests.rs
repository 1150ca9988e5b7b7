use std::cell::Cell;
use std::path::{Path, PathBuf};

use super::*;
use crate::provider::Snippet;

thread_local! {
    /// Bytes that were looked at.
    pub(super) static READ: Cell<usize> = const { Cell::new(0) };
}

fn masked(text: &str) -> String {
    let mut masked = text.to_owned();
    mask_text(&mut masked);
    assert_eq!((masked.len(), masked.lines().count()), (text.len(), text.lines().count()), "{text}");
    masked
}

/// A made-up secret of so many of these bytes.
fn made_up(of: Bytes, len: usize) -> String {
    let alphabet = match of {
        Bytes::Hex => "0a1b2c3d4e5f67890",
        Bytes::Capitals => "Q3ZM7XK2P5",
        _ => "h7Kd2Rt9Vq4Wm3Zx8Pb6Ln5",
    };
    alphabet.chars().cycle().take(len).collect()
}

/// Each `«…»` is masked, and nothing else.
fn check(marked: &str) {
    let text = marked.replace(['«', '»'], "");
    let mut expected = String::new();
    for (at, part) in marked.split(['«', '»']).enumerate() {
        let hide = |c: char| if c.is_ascii_whitespace() { c.to_string() } else { "x".repeat(c.len_utf8()) };
        match at % 2 {
            0 => expected.push_str(part),
            _ => expected.extend(part.chars().map(hide)),
        }
    }
    assert_eq!(masked(&text), expected, "{text}");
}

#[test]
fn every_prefix_is_masked_wherever_it_stands() {
    for format in PREFIXED {
        let secret = made_up(format.of, format.least);
        for prefix in format.prefixes.split(' ') {
            assert!(prefix.len() + format.least >= SHORTEST, "{prefix}");
            for around in [
                "|",
                "let key = \"|\";",
                "KEY=|\n",
                "https://a.example/?key=|&x=y",
                "\\n|\\n",
                "(|)",
                "\u{e9}|\u{e9}",
            ] {
                check(&around.replace('|', &format!("{prefix}«{secret}»")));
            }
            let short = secret.get(1..).unwrap();
            check(&format!("{prefix}{short}"));
            check(&format!("word{prefix}{short}"));
            if format.of.is_exact() {
                check(&format!("{prefix}{secret}{}", secret.get(..1).unwrap()));
            }
        }
    }
}

#[test]
fn every_shape_and_every_name_is_masked() {
    let hash = made_up(Bytes::Url, 40);
    let base64 = made_up(Bytes::Base64, 86) + "==";
    let of = |len: usize| hash.get(..len).unwrap();
    for marked in [
        // As issued: with the length and the parts that their vendors use.
        &*format!("sk-ant-«api03-{hash}-{hash}_AA»"),
        "SG.«ngeVfQFYQlKU0ufo8x5d1A.TwL2iGABf9DHoTf-09kqeF8tAmbihYzrnopKc-1s5cr»",
        "xoxb-«123456789012-1234567890123-h7Kd2Rt9Vq4Wm3Zx8Pb6Ln5h»",
        "Bearer eyJ«hbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.dozjgNryP4J3jVmNHl0w5N-XgL0n3I9PlFUP0THsR8U»",
        &format!("bot123456789:AA«{}»", of(33)),
        &format!("\"M«{}.{}.{}»\"", of(24), of(6), of(30)),
        &format!("abc8Q~«{}»", of(34)),
        // Passwords.
        "postgres://app:«s3cret%40x»@db.example:5432/app",
        "redis://:«hunter2»@localhost:6379",
        "url = \"mongodb+srv://u:«pä:ss@x»@cluster.example/?w=1\"",
        "amqp://a:«b»@h and mysql://c:«d»@h",
        "Server=db;User Id=sa;Password=«hunter2»;Encrypt=true",
        "\"Driver={x};Uid=a;Pwd=«hunter2»\"",
        "jdbc:mysql://h/db?user=a&password=«hunter2»&ssl=1",
        // Names.
        &format!("aws_secret_access_key = «{}»", of(40)),
        &format!("\"secretAccessKey\": \"«{}»\"", of(40)),
        &format!("AWS_SECRET_ACCESS_KEY='«{}»'", of(40)),
        &format!("DefaultEndpointsProtocol=https;AccountName=a;AccountKey=«{base64}»;EndpointSuffix=b"),
        &format!("Endpoint=sb://a/;SharedAccessKeyName=n;SharedAccessKey=«{base64}»"),
        &format!("//registry.example/:_authToken=«{}»", of(36)),
    ] {
        check(marked);
    }
}

#[test]
fn what_only_looks_like_a_secret_stays() {
    for text in [
        "let sk-name = ghp_token; AKIA; eyJ; SG.; xoxb-; AIza;",
        "task-abcdefghijklmnopqrstuvwxyz0123456789abcdef",
        "sk-xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
        "ghp_XXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXX",
        "0123456789abcdef0123456789abcdef",
        "https://user@host.example/a:b@c",
        "http://localhost:8080/@scope/package",
        "format!(\"postgres://{user}:{password}@{host}\")",
        "postgres://app:${DB_PASSWORD}@db.example",
        "postgres://app:<password>@db.example",
        "postgres://app:%s@db.example",
        "password = read(); let password: &str = \"x\", password=hunter2",
        "?password={}&x=1;Password=$PASSWORD",
        "secretAccessKey: process.env.SECRET",
        "const BEGIN: &str = \"-----BEGIN PRIVATE KEY-----\";\nconst END: &str = \"-----END PRIVATE KEY-----\";",
        "if text.starts_with(\"-----BEGIN RSA PRIVATE KEY-----\") {",
        "eyJhbGciOiJIUzI1NiJ9 is a header",
        "12:AAh7Kd2Rt9Vq4Wm3Zx8Pb6Ln5h7Kd2Rt9Vq4",
        "",
    ] {
        assert_eq!(masked(text), text);
    }
}

/// A private key of this many lines, without its markers.
fn key(lines: usize) -> String {
    let line = made_up(Bytes::Base64, 64);
    format!("{}\n{}==\n", vec![line; lines].join("\n"), "h7Kd2Rt9")
}

#[test]
fn private_keys_are_masked_also_where_they_are_cut() {
    let inside = key(4);
    for kind in ["RSA ", "EC ", "OPENSSH ", "ENCRYPTED ", ""] {
        let (begin, end) =
            (format!("-----BEGIN {kind}PRIVATE KEY-----"), format!("-----END {kind}PRIVATE KEY-----"));
        check(&format!("a\n{begin}«\n{inside}»{end}\nb\n"));
        // In a string, and without its end.
        check(&format!("\"{begin}«\\n{}\\n»{end}\\n\"", made_up(Bytes::Base64, 64)));
        check(&format!("a\n{begin}«\n{inside}»"));
        check(&format!("«{inside}»{end}\nb"));
        check(&format!("x = 1;\n«{inside}»{end}\nb").replacen("x = 1;\n«", "x = 1;«\n", 1));
    }
    let block =
        format!("-----BEGIN PGP PRIVATE KEY BLOCK-----«\n\n{inside}»-----END PGP PRIVATE KEY BLOCK-----");
    check(&block);
    check(&format!("«{}»", inside.rsplit_once("h7Kd2Rt9==").unwrap().0));
    // Certificates and public keys are no secrets.
    for kind in ["CERTIFICATE", "PUBLIC KEY"] {
        check(&format!("-----BEGIN {kind}-----\n{inside}-----END {kind}-----\n"));
    }
}

#[test]
fn a_secret_is_masked_in_every_part_of_a_prompt_and_around_the_caret() {
    let secret = made_up(Bytes::Alphanumeric, 36);
    let (before, after) = secret.split_at(10);
    let snippet = |text: String| Snippet { path: "b.rs".to_owned(), text };
    let mut prompt = Prompt {
        prefix: format!("let é = ghp_{before}"),
        suffix: format!("{after}; // ghp_{secret}"),
        snippets: vec![snippet(format!("a(\"ghp_{secret}\")")), snippet("b".to_owned())],
        path: "a.rs".to_owned(),
        ..Prompt::default()
    };
    mask(&mut prompt);
    assert_eq!(prompt.prefix, "let é = ghp_xxxxxxxxxx");
    assert_eq!(prompt.suffix, format!("{}; // ghp_{}", "x".repeat(26), "x".repeat(36)));
    assert_eq!(prompt.snippets[0].text, format!("a(\"ghp_{}\")", "x".repeat(36)));
    assert_eq!((prompt.snippets[1].text.as_str(), prompt.path.as_str()), ("b", "a.rs"));
}

#[test]
fn the_work_grows_with_the_text_only() {
    let line = made_up(Bytes::Base64, 64);
    let prefixes =
        PREFIXED.iter().flat_map(|format| format.prefixes.split(' ')).map(|prefix| format!("{prefix}-"));
    let hostile = [
        "://",
        "://a:b",
        ":",
        "=",
        "= ",
        "password=",
        ";password=",
        "eyJ-",
        "eyJ.",
        "eyJa.eyJb-",
        ".",
        "-",
        "A",
        "-----",
        "-----BEGIN PRIVATE KEY-----",
        "-----END PRIVATE KEY-----",
        "-----BEGIN PRIVATE KEY-----\n-----END PRIVATE KEY-----\n",
        "AA-",
        "12345678:AA",
        "1Q~.",
        "M.M.",
        "secret_access_key:",
        &line,
        "-----BEGIN PRIVATE KEY----- a ",
    ];
    for piece in prefixes.chain(hostile.map(str::to_owned)) {
        let work = |bytes: usize| {
            let mut text = piece.repeat(bytes / piece.len());
            READ.set(0);
            mask_text(&mut text);
            READ.get()
        };
        let (some, twice) = (work(20_000), work(40_000));
        assert!(twice <= 41_000 * 60 && twice <= some * 2 + some / 10 + 100, "{piece}: {some}, {twice}");
    }
}

/// The sources that this crate was built from, and whatever else is in the registry's cache, in a fixed order.
fn public_sources() -> Vec<PathBuf> {
    let home = std::env::var_os("CARGO_HOME").map(PathBuf::from);
    let home = home.or_else(|| Some(std::env::home_dir()?.join(".cargo"))).unwrap_or_default();
    let mut files = Vec::new();
    let mut folders = vec![home.join("registry/src")];
    while let Some(folder) = folders.pop() {
        let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
        let mut paths: Vec<PathBuf> = entries.map(|entry| entry.path()).collect();
        paths.sort();
        for path in paths {
            match path.is_dir() {
                true => folders.push(path),
                false => files.push(path),
            }
        }
    }
    files
}

fn is_source(path: &Path) -> bool {
    let extension = path.extension().and_then(|extension| extension.to_str()).unwrap_or_default();
    ["rs", "toml", "md", "c", "h", "py", "js", "json", "yml", "yaml", "sh", "html", "txt"]
        .contains(&extension)
}

/// False alarms: nobody publishes his secrets, so hardly a line of a million is touched.
#[test]
fn hardly_a_line_of_public_source_is_touched() {
    let (mut lines, mut touched) = (0, Vec::new());
    // From everywhere: neighbours are alike.
    let files: Vec<_> = public_sources().into_iter().filter(|path| is_source(path)).collect();
    for path in (0..16).flat_map(|first| files.iter().skip(first).step_by(16)) {
        let Ok(text) = std::fs::read_to_string(path) else { continue };
        let masked = masked(&text);
        lines += text.lines().count();
        let changed = text.lines().zip(masked.lines()).filter(|(line, masked)| line != masked);
        touched.extend(changed.map(|(line, _)| format!("{}: {line}", path.display())));
        if lines >= 1_000_000 {
            break;
        }
    }
    let told = format!("{} of {lines} lines touched:\n{}", touched.len(), touched.join("\n"));
    println!("{told}");
    assert!(touched.len() * 1000 <= lines, "{told}");
}
