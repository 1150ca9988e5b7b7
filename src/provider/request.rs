//! One HTTP request in the making: what all formats do alike about keys, headers and bodies.

use serde_json::{Map, Value};

use super::learned::Lesson;
use super::profile::{Address, Target};
use super::sigv4::Signer;
use super::{Error, FimSetting, Provider, address, key, registry};
use crate::http::{HttpRequest, Secret, Url, is_secret_header};
use crate::stream::ErrorKind;

/// What the functions that make a request return. The error is boxed, as each result would have room for it otherwise.
pub(super) type Result<T> = std::result::Result<T, Box<Error>>;

/// A request that is being put together. Boxed, as each function that adds to it would copy it otherwise.
pub(super) struct Draft<'a>(Box<Parts<'a>>);

struct Parts<'a> {
    target: Target<'a>,
    request: HttpRequest,
    body: Map<String, Value>,
    signer: Option<Signer<'a>>,
}

impl<'a> Draft<'a> {
    /// A request to `path` at the provider, with the provider's own headers and the key.
    pub(super) fn to(target: Target<'a>, path: &str) -> Result<Self> {
        Self::to_url(target, &address::url(target, path)?)?.authorized()
    }

    /// A request to exactly `url`, without a key. It must be a URL without a password in it.
    pub(super) fn to_url(target: Target<'a>, url: &str) -> Result<Self> {
        let url = Url::parse(url).map_err(|wrong| {
            let message = format!("`base-url` {wrong}: it should look like `https://host/path`.");
            target.refusal(ErrorKind::Request, &message)
        })?;
        let mut headers = vec![("content-type".to_owned(), "application/json".to_owned())];
        for (name, value) in target.profile.headers {
            headers.push(((*name).to_owned(), (*value).to_owned()));
        }
        let request = HttpRequest { url, headers, secret_headers: Vec::new(), body: None };
        Ok(Self(Box::new(Parts { target, request, body: Map::new(), signer: None })))
    }

    /// The key: as `Authorization: Bearer`, or in the provider's own header. There may be none if the provider needs none.
    pub(super) fn authorized(self) -> Result<Self> {
        let Target { profile, account } = self.0.target;
        let key = key::clean(account.api_key.expose());
        // An Entra token is a JWT, a key of a resource at Azure never looks like one.
        let is_token = matches!(profile.address, Address::Azure) && key.starts_with("eyJ");
        if !key.is_empty() {
            return Ok(match profile.key_header {
                own if !own.is_empty() && !is_token => self.secret_header(own, Secret::new(key)),
                _ => self.secret_header("authorization", Secret::new(&format!("Bearer {key}"))),
            });
        }
        // The user may authorise in a way of their own, or ask a proxy on this machine that knows the key.
        let otherwise = self.0.request.url.is_loopback()
            || account.extra_headers.iter().any(|(name, _)| is_secret_header(name));
        if profile.defaults.needs_key && !otherwise {
            return Err(Box::new(missing_key(profile)));
        }
        Ok(self)
    }

    /// For formats without FIM: refuses a user who wants it by `suffix` or template.
    pub(super) fn chat_only(self) -> Result<Self> {
        let target = self.0.target;
        if matches!(target.account.fim, FimSetting::Suffix | FimSetting::Template(_)) {
            let title = target.profile.title;
            let message = format!("`fim` does not fit {title}: it only has chat, leave it at `auto`.");
            return Err(target.refusal(ErrorKind::NoFim, &message));
        }
        Ok(self)
    }

    /// Whom it asks.
    pub(super) fn target(&self) -> Target<'a> {
        self.0.target
    }

    /// To be signed, where a key in a header does not do.
    pub(super) fn signed(mut self, signer: Signer<'a>) -> Self {
        if !signer.session_token.is_empty() {
            self = self.secret_header("x-amz-security-token", Secret::new(signer.session_token));
        }
        self.0.signer = Some(signer);
        self
    }

    /// A header whose value must not be seen.
    fn secret_header(mut self, name: &str, value: Secret) -> Self {
        self.0.request.secret_headers.push((name.to_owned(), value));
        self
    }

    /// A top-level field of the body; none when the value is `null`.
    pub(super) fn set(mut self, field: &str, value: impl Into<Value>) -> Self {
        self.put(field, value.into());
        self
    }

    /// Several top-level fields of the body, but for those whose value is `null`.
    pub(super) fn set_all(mut self, fields: &mut [(&str, Value)]) -> Self {
        for (field, value) in fields {
            self.put(field, value.take());
        }
        self
    }

    // Once in the wasm, rather than at each of many calls.
    #[inline(never)]
    fn put(&mut self, field: &str, value: Value) {
        insert(&mut self.0.body, field, value);
    }

    /// The user's temperature, or one at which code comes out the same nearly every time.
    pub(super) fn temperature(self) -> Self {
        let temperature = self.0.target.account.temperature();
        self.set("temperature", temperature)
    }

    /// The model the user named, or the provider's default; left out when there is neither and the
    /// server is one that serves a single model.
    pub(super) fn model(self) -> Self {
        match self.0.target.model() {
            "" => self,
            model => self.set("model", model),
        }
    }

    /// The whole `POST` request: without what the server has refused before, and with the user's own headers and
    /// fields.
    pub(super) fn post(mut self) -> Result<HttpRequest> {
        let account = self.0.target.account;
        for lesson in &account.lessons {
            match lesson {
                Lesson::Drop(path) => drop(take(&mut self.0.body, path)),
                Lesson::Rename(from, to) => {
                    let value = take(&mut self.0.body, from);
                    self.put(to, value);
                }
                Lesson::NoSuffix | Lesson::NoFim => {}
            }
        }
        for (field, value) in &account.extra_body {
            if let Some(path) = field.strip_prefix('!') {
                take(&mut self.0.body, path);
                continue;
            }
            // `false` for a field that is no switch: TOML has no null.
            let is_switch = self.0.body.get(field).is_none_or(Value::is_boolean);
            if value.is_null() || value.as_bool() == Some(false) && !is_switch {
                remove(&mut self.0.body, field);
            } else {
                self.put(field, value.clone());
            }
        }
        // Values are always JSON. Their `Display` would bring a second, indenting writer into the wasm.
        let body = serde_json::to_vec(&Value::Object(std::mem::take(&mut self.0.body))).unwrap_or_default();
        self.0.request.body = Some(body);
        self.get()
    }

    /// The request, a `GET` when there is no body. A key must not go over the net without encryption.
    pub(super) fn get(self) -> Result<HttpRequest> {
        let Parts { target, mut request, signer, .. } = *self.0;
        for (name, value) in &target.account.extra_headers {
            let name = name.trim().to_ascii_lowercase();
            request.headers.retain(|(other, _)| *other != name);
            request.secret_headers.retain(|(other, _)| *other != name);
            if is_secret_header(&name) {
                request.secret_headers.push((name, Secret::new(value)));
            } else {
                request.headers.push((name, value.clone()));
            }
        }
        if let Err(wrong) = request.check() {
            let (first, rest) = wrong.split_at_checked(1).unwrap_or(("", &wrong));
            let sentence = format!("{}{rest}.", first.to_ascii_uppercase());
            return Err(target.refusal(ErrorKind::Request, &sentence));
        }
        if let Some(signer) = signer {
            signer.sign(&mut request);
        }
        Ok(request)
    }
}

/// What to say when there is no key, and the provider needs one.
pub fn missing_key(provider: &dyn Provider) -> Error {
    let message = format!(
        "{} needs {}: set `{}` in the environment Lapce is started from, or name another variable in `api-key-env`.",
        provider.title(),
        registry::profile(provider.name()).map_or("an API key", |profile| profile.key),
        provider.defaults().key_env.join("` or `"),
    );
    Error::of_settings(provider, ErrorKind::Auth, &message)
}

/// A JSON object of the fields that are not `null`. `json!` writes the making of one out at each place, and `collect`
/// sorts: each costs kilobytes of wasm.
#[inline(never)]
pub(super) fn object(fields: &mut [(&str, Value)]) -> Value {
    let mut object = Map::new();
    for (name, value) in fields {
        insert(&mut object, name, value.take());
    }
    Value::Object(object)
}

fn insert(object: &mut Map<String, Value>, field: &str, value: Value) {
    if !value.is_null() {
        object.insert(field.to_owned(), value);
    }
}

/// A list of texts; `null` when it is empty.
pub(super) fn texts(list: &[String]) -> Value {
    if list.is_empty() { Value::Null } else { list.into() }
}

/// The content of a turn in Google's and Bedrock's formats: one part of text.
pub(super) fn text_part(text: &str) -> Value {
    Value::Array(vec![object(&mut [("text", text.into())])])
}

/// Takes the field at a dotted path out of the body; `null` when it is not there. An object that is left empty goes as well.
fn take(body: &mut Map<String, Value>, path: &str) -> Value {
    let Some((outer, inner)) = path.split_once('.') else { return remove(body, path) };
    let Some(Value::Object(fields)) = body.get_mut(outer) else { return Value::Null };
    let value = take(fields, inner);
    if fields.is_empty() {
        remove(body, outer);
    }
    value
}

/// Takes a field out of an object; `null` when it is not there. `Map::remove` would bring the balancing of trees, 4 KB of
/// wasm that nothing else needs.
fn remove(object: &mut Map<String, Value>, field: &str) -> Value {
    let mut removed = Value::Null;
    for (name, value) in std::mem::take(object) {
        if name == field {
            removed = value;
        } else {
            object.insert(name, value);
        }
    }
    removed
}

#[cfg(test)]
mod tests {
    use super::super::registry::profile;
    use super::*;
    use crate::provider::Account;

    fn draft(account: &Account) -> Result<Draft<'_>> {
        Draft::to(Target { profile: profile("openai-compatible").unwrap(), account }, "/x")
    }

    fn at(base_url: &str, key: &str) -> Account {
        Account { base_url: base_url.to_owned(), api_key: Secret::new(key), ..Account::default() }
    }

    #[test]
    fn wrong_base_urls_are_named() {
        for base in ["a.example", "ftp://a", "https://", "https://user:pw@a.example", "https://a b"] {
            let message = draft(&at(base, "")).err().map(|error| error.message).unwrap_or_default();
            assert!(message.contains("`base-url`"), "{base}: {message}");
        }
        assert_eq!(
            draft(&at("HTTPS://a.example/V1", "k")).unwrap().post().unwrap().url.as_str(),
            "https://a.example/V1/x"
        );
    }

    #[test]
    fn a_key_only_goes_over_plain_http_to_this_machine() {
        let send = |base: &str| draft(&at(base, "k")).and_then(Draft::post).is_ok();
        for base in
            ["http://localhost:1/v1", "http://127.0.0.1/v1", "http://[::1]:8/v1", "https://a.example/v1"]
        {
            assert!(send(base), "{base}");
        }
        for base in [
            "http://a.example/v1",
            "http://localhost.a.example/v1",
            "http://192.168.0.2/v1",
            "HTTP://a.example",
        ] {
            assert!(!send(base), "{base}");
        }
    }

    #[test]
    fn headers_cannot_be_smuggled_in() {
        for (key, name, value) in [
            ("a\nx: y", "n", "v"),
            ("k", "n\r\nx", "v"),
            ("k", "n", "v\nx: y"),
            ("k", "n:", "v"),
            ("k", "", "v"),
        ] {
            let extra_headers = vec![(name.to_owned(), value.to_owned())];
            let account = Account { extra_headers, ..at("https://a.example", key) };
            let message = draft(&account).unwrap().get().unwrap_err().message;
            // Where the key came from is not known here: each place it may have is named.
            for setting in ["`api-key-env`", "`api-key`", "`extra-headers`"] {
                assert!(message.contains(setting), "{key:?} {name:?} {value:?}: {message}");
            }
        }
    }

    #[test]
    fn the_users_headers_and_fields_win() {
        let extra_headers = vec![
            ("Content-Type".to_owned(), "application/x".to_owned()),
            ("Authorization".to_owned(), "Basic z".to_owned()),
        ];
        let extra_body = serde_json::from_str(r#"{"a":null,"b":2,"c":{"d":1}}"#).unwrap();
        let account = Account { extra_headers, extra_body, ..at("https://a.example/v1", "k") };
        let request = draft(&account).unwrap().set("a", 1).set("b", 1).set("e", 1).post().unwrap();
        assert_eq!(request.headers, [("content-type".to_owned(), "application/x".to_owned())]);
        assert_eq!(request.secret_headers, [("authorization".to_owned(), Secret::new("Basic z"))]);
        assert_eq!(request.body.unwrap(), br#"{"b":2,"c":{"d":1},"e":1}"#);
    }

    #[test]
    fn fields_are_left_out_as_the_user_or_the_server_wants() {
        let own = |draft: Draft<'_>| {
            let options = serde_json::json!({"include_usage": true, "include_obfuscation": false});
            let draft = draft.set("temperature", 0.5).set("store", true).set("stream_options", options);
            String::from_utf8(draft.set("max_tokens", 9).post().unwrap().body.unwrap()).unwrap()
        };
        let drop = |path: &str| Lesson::Drop(path.to_owned());
        let rename = Lesson::Rename("max_tokens".to_owned(), "max_completion_tokens".to_owned());
        for (extra, lessons, expected) in [
            (r#"{"!temperature":true,"!stream_options":true}"#, vec![], r#"{"max_tokens":9,"store":true}"#),
            (
                r#"{"temperature":false,"stream_options":false,"store":false}"#,
                vec![],
                r#"{"max_tokens":9,"store":false}"#,
            ),
            (
                r#"{"!stream_options.include_obfuscation":true}"#,
                vec![drop("store"), drop("temperature"), drop("absent.field")],
                r#"{"max_tokens":9,"stream_options":{"include_usage":true}}"#,
            ),
            (
                r#"{"temperature":0.2}"#,
                vec![
                    drop("stream_options.include_usage"),
                    drop("stream_options.include_obfuscation"),
                    drop("temperature"),
                    rename,
                ],
                r#"{"max_completion_tokens":9,"store":true,"temperature":0.2}"#,
            ),
        ] {
            let extra_body = serde_json::from_str(extra).unwrap();
            let account = Account { extra_body, lessons, ..at("https://a.example/v1", "k") };
            assert_eq!(own(draft(&account).unwrap()), expected, "{extra}");
        }
    }
}
