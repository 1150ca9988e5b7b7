//! Settings of the plugin as they are given to commands.

use lexopt::{Arg, Parser, ValueExt};
use serde_json::{Value, json};

use super::{Failure, find_provider};

/// The lines about them in the help of commands.
pub const HELP: &str = "\
  -p, --provider P         Whom to ask, by the name in the settings (see `cargo volt decode --help`)
      --base-url U         Its server; by default the provider's own
  -m, --model M            Its model; by default the provider's usual one
      --setting KEY=VALUE  Any other setting of the plugin, as often as needed; VALUE is JSON or else text:
                           --setting api-key-env=MY_KEY --setting timeout.idle-ms=2000
";

/// Settings by their dotted names.
#[derive(Debug, Default)]
pub struct Wishes {
    pub settings: Vec<(String, Value)>,
}

impl Wishes {
    /// Takes this argument if it gives a setting.
    pub fn take(&mut self, arg: &Arg<'_>) -> Option<Wanted> {
        Some(match arg {
            Arg::Short('p') | Arg::Long("provider") => Wanted::Provider,
            Arg::Long("base-url") => Wanted::Named("base-url"),
            Arg::Short('m') | Arg::Long("model") => Wanted::Named("model"),
            Arg::Long("setting") => Wanted::Any,
            _ => return None,
        })
    }

    /// Takes its value.
    pub fn read(&mut self, wanted: Wanted, args: &mut Parser) -> Result<(), Failure> {
        let value = args.value()?.string()?;
        match wanted {
            Wanted::Provider => {
                find_provider(&value)?;
                self.settings.push(("provider".to_owned(), value.into()));
            }
            Wanted::Named(name) => self.settings.push((name.to_owned(), value.into())),
            Wanted::Any => self.settings.push(setting(&value)?),
        }
        Ok(())
    }

    /// As Lapce gives them to the plugin.
    pub fn table(&self) -> Value {
        let mut root = json!({});
        for (key, value) in &self.settings {
            let place = key.split('.').fold(&mut root, |place, part| {
                if !place.is_object() {
                    *place = json!({});
                }
                &mut place[part]
            });
            *place = value.clone();
        }
        root
    }
}

/// What an argument gives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wanted {
    Provider,
    Named(&'static str),
    Any,
}

/// Parses `KEY=VALUE`.
fn setting(text: &str) -> Result<(String, Value), Failure> {
    let wrong = || Failure::Usage(format!("--setting {text}: give KEY=VALUE, as in max-tokens=64"));
    let (key, value) = text.split_once('=').filter(|(key, _)| !key.is_empty()).ok_or_else(wrong)?;
    Ok((key.to_owned(), serde_json::from_str(value).unwrap_or_else(|_| value.into())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_are_json_or_text_and_dots_make_tables() {
        let mut wishes = Wishes::default();
        for text in ["max-tokens=64", "timeout.idle-ms=5", "model=m=1", "trigger=off"] {
            wishes.settings.push(setting(text).unwrap());
        }
        let expected = json!({"max-tokens": 64, "timeout": {"idle-ms": 5}, "model": "m=1", "trigger": "off"});
        assert_eq!(wishes.table(), expected);
        assert_eq!(setting("a=[\"x\"]"), Ok(("a".to_owned(), json!(["x"]))));
        assert_eq!(setting("a="), Ok(("a".to_owned(), "".into())));
        for text in ["max-tokens", "=1", ""] {
            assert!(setting(text).is_err(), "{text:?}");
        }
    }
}
