//! One HTTP request in the making: what all formats do alike about URLs, keys, headers and bodies.

use serde_json::{Map, Value};

use super::{Account, Error, FimSetting, Provider};
use crate::http::{HttpRequest, Secret, Url, is_secret_header};
use crate::stream::ErrorKind;

/// A request that is being put together.
pub(super) struct Draft<'a> {
    provider: &'a dyn Provider,
    account: &'a Account,
    url: Url,
    headers: Vec<(String, String)>,
    secret_headers: Vec<(String, Secret)>,
    body: Map<String, Value>,
}

impl<'a> Draft<'a> {
    /// A request to `path` below the base URL. A base URL without any path gets that of the provider's
    /// own, or `/v1`.
    ///
    /// # Errors
    /// When there is no base URL, or it is none.
    pub(super) fn to(provider: &'a dyn Provider, account: &'a Account, path: &str) -> Result<Self, Error> {
        let base = base_url(provider, account)?;
        let pathless = |url: &str| Url::parse(url).is_ok_and(|url| url.path().is_empty());
        let own = provider.defaults().base_url;
        let root = match own {
            _ if !pathless(base) => "",
            "" => "/v1",
            own => &Url::parse(own).map(|own| own.path().to_owned()).unwrap_or_default(),
        };
        Self::to_url(provider, account, &format!("{base}{root}{path}"))
    }

    /// A request to exactly `url`.
    ///
    /// # Errors
    /// When it is no URL, or one with a password in it.
    pub(super) fn to_url(provider: &'a dyn Provider, account: &'a Account, url: &str) -> Result<Self, Error> {
        let url = Url::parse(url).map_err(|wrong| {
            let message = format!("`base-url` {wrong}: it should look like `https://host/path`.");
            Error::of_settings(provider, ErrorKind::Request, &message)
        })?;
        let headers = vec![("content-type".to_owned(), "application/json".to_owned())];
        Ok(Self { provider, account, url, headers, secret_headers: Vec::new(), body: Map::new() })
    }

    /// The key as `Authorization: Bearer`, if there is one.
    ///
    /// # Errors
    /// When there is none and the provider needs one.
    pub(super) fn bearer(self) -> Result<Self, Error> {
        let value = Secret::new(&format!("Bearer {}", self.account.api_key.expose()));
        self.authorized("authorization", value)
    }

    /// The key in a header of its own, if there is one.
    ///
    /// # Errors
    /// When there is none and the provider needs one.
    pub(super) fn key_header(self, name: &str) -> Result<Self, Error> {
        let value = self.account.api_key.clone();
        self.authorized(name, value)
    }

    fn authorized(mut self, name: &str, value: Secret) -> Result<Self, Error> {
        if !self.account.api_key.is_empty() {
            self.secret_headers.push((name.to_owned(), value));
            return Ok(self);
        }
        // The user may authorise in a way of their own, or ask a proxy on this machine that knows the key.
        let otherwise = self.url.is_loopback()
            || self.account.extra_headers.iter().any(|(name, _)| is_secret_header(name));
        if self.provider.defaults().needs_key && !otherwise {
            let names = self.provider.defaults().key_env.join("` or `");
            let message = format!(
                "{} wants an API key: set the environment variable `{names}`, or name another in `api-key-env`.",
                self.provider.title(),
            );
            return Err(Error::of_settings(self.provider, ErrorKind::Auth, &message));
        }
        Ok(self)
    }

    /// For formats without FIM.
    ///
    /// # Errors
    /// When the user wants it by `suffix` or template.
    pub(super) fn chat_only(self) -> Result<Self, Error> {
        if matches!(self.account.fim, FimSetting::Suffix | FimSetting::Template(_)) {
            let title = self.provider.title();
            let message = format!("`fim` does not fit {title}: it only has chat, leave it at `auto`.");
            return Err(Error::of_settings(self.provider, ErrorKind::NoFim, &message));
        }
        Ok(self)
    }

    /// A header whose value must not be seen.
    pub(super) fn secret_header(mut self, name: &str, value: Secret) -> Self {
        self.secret_headers.push((name.to_owned(), value));
        self
    }

    /// A header with a plain value.
    pub(super) fn header(mut self, name: &str, value: impl Into<String>) -> Self {
        self.headers.push((name.to_owned(), value.into()));
        self
    }

    /// A top-level field of the body.
    pub(super) fn set(mut self, field: &str, value: impl Into<Value>) -> Self {
        self.body.insert(field.to_owned(), value.into());
        self
    }

    /// A top-level field of the body, if there is a value for it.
    pub(super) fn set_some(self, field: &str, value: Option<impl Into<Value>>) -> Self {
        match value {
            Some(value) => self.set(field, value),
            None => self,
        }
    }

    /// The user's temperature, or one at which code comes out the same nearly every time.
    pub(super) fn temperature(self) -> Self {
        let temperature = self.account.temperature();
        self.set("temperature", temperature)
    }

    /// The model the user named, or the provider's default; left out when there is neither and the
    /// server is one that serves a single model.
    pub(super) fn model(self) -> Self {
        let model = self.account.model_or(self.provider.defaults().model).to_owned();
        if model.is_empty() { self } else { self.set("model", model) }
    }

    /// The whole `POST` request, with the user's own headers and fields over it. A field of
    /// [`Account::extra_body`] that is `null` removes the field.
    ///
    /// # Errors
    /// When a key would go over the net without encryption.
    pub(super) fn post(mut self) -> Result<HttpRequest, Error> {
        for (field, value) in &self.account.extra_body {
            match value {
                Value::Null => self.body.remove(field),
                value => self.body.insert(field.clone(), value.clone()),
            };
        }
        // Values are always JSON. Their `Display` would bring a second, indenting writer into the wasm.
        let body = serde_json::to_vec(&Value::Object(std::mem::take(&mut self.body))).unwrap_or_default();
        Ok(HttpRequest { body: Some(body), ..self.get()? })
    }

    /// The `GET` request.
    ///
    /// # Errors
    /// When a key would go over the net without encryption.
    pub(super) fn get(mut self) -> Result<HttpRequest, Error> {
        for (name, value) in &self.account.extra_headers {
            let name = name.trim().to_ascii_lowercase();
            self.headers.retain(|(other, _)| *other != name);
            self.secret_headers.retain(|(other, _)| *other != name);
            if is_secret_header(&name) {
                self.secret_headers.push((name, Secret::new(value)));
            } else {
                self.headers.push((name, value.clone()));
            }
        }
        let request = HttpRequest {
            url: self.url,
            headers: self.headers,
            secret_headers: self.secret_headers,
            body: None,
        };
        match request.check() {
            Ok(()) => Ok(request),
            Err(wrong) => Err(Error::of_settings(self.provider, ErrorKind::Request, &sentence(&wrong))),
        }
    }
}

/// The words as a sentence.
fn sentence(words: &str) -> String {
    let (first, rest) = words.split_at_checked(1).unwrap_or(("", words));
    format!("{}{rest}.", first.to_ascii_uppercase())
}

/// What users paste along with the base URL.
const ENDPOINTS: &[&str] =
    &["/chat/completions", "/fim/completions", "/completions", "/responses", "/messages"];

/// The base URL of the user or of the provider, without an endpoint's path and a trailing slash.
///
/// # Errors
/// When there is neither, or more than a path in it, which would end up in the middle of the URL.
pub(super) fn base_url<'a>(provider: &dyn Provider, account: &'a Account) -> Result<&'a str, Error> {
    let base = pasted_url(provider, account)?;
    if base.contains(['?', '#']) {
        let message = "`base-url` must end before the `?`: a key belongs into `api-key-env`.";
        return Err(Error::of_settings(provider, ErrorKind::Request, message));
    }
    Ok(without_endpoint(base))
}

/// The URL without an endpoint's path, if it ends in one.
pub(super) fn without_endpoint(url: &str) -> &str {
    ENDPOINTS.iter().find_map(|endpoint| url.strip_suffix(endpoint)).unwrap_or(url)
}

/// The base URL of the user or of the provider, as it is.
///
/// # Errors
/// When there is neither.
pub(super) fn pasted_url<'a>(provider: &dyn Provider, account: &'a Account) -> Result<&'a str, Error> {
    let base = account.base_url_or(provider.defaults().base_url);
    if base.is_empty() {
        let message = format!("Set `base-url` to the address of {}.", provider.title());
        return Err(Error::of_settings(provider, ErrorKind::Request, &message));
    }
    Ok(base)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::provider::openai_compatible::OpenAiCompatible;

    fn url(base_url: &str) -> Result<String, String> {
        let account = Account { base_url: base_url.to_owned(), ..Account::default() };
        let draft = Draft::to(&OpenAiCompatible, &account, "/chat/completions");
        draft.map(|draft| draft.url.to_string()).map_err(|error| error.message)
    }

    #[test]
    fn base_urls_are_taken_as_users_write_them() {
        for (base, expected) in [
            ("https://a.example/v1", "https://a.example/v1/chat/completions"),
            (" https://a.example/v1/ ", "https://a.example/v1/chat/completions"),
            ("http://localhost:8000", "http://localhost:8000/v1/chat/completions"),
            ("http://localhost:8000/", "http://localhost:8000/v1/chat/completions"),
            ("https://a.example/x/chat/completions", "https://a.example/x/chat/completions"),
        ] {
            assert_eq!(url(base).as_deref(), Ok(expected), "{base}");
        }
    }

    #[test]
    fn wrong_base_urls_are_named() {
        for base in [
            "",
            "a.example",
            "ftp://a",
            "https://",
            "https://user:pw@a.example",
            "https://a b",
            "https://a.example/v1?key=k",
            "https://a.example/#v1",
        ] {
            assert!(url(base).unwrap_err().contains("`base-url`"), "{base}");
        }
    }

    #[test]
    fn a_key_only_goes_over_plain_http_to_this_machine() {
        let send = |base: &str| {
            let api_key = Secret::new("k");
            let account = Account { base_url: base.to_owned(), api_key, ..Account::default() };
            Draft::to(&OpenAiCompatible, &account, "/x").and_then(Draft::bearer).and_then(Draft::post).is_ok()
        };
        for base in
            ["http://localhost:1/v1", "http://127.0.0.1/v1", "http://[::1]:8/v1", "https://a.example/v1"]
        {
            assert!(send(base), "{base}");
        }
        for base in ["http://a.example/v1", "http://localhost.a.example/v1", "http://192.168.0.2/v1"] {
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
            let account = Account {
                base_url: "https://a.example".to_owned(),
                api_key: Secret::new(key),
                extra_headers: vec![(name.to_owned(), value.to_owned())],
                ..Account::default()
            };
            let draft = Draft::to(&OpenAiCompatible, &account, "/x").and_then(Draft::bearer).unwrap();
            let message = draft.get().unwrap_err().message;
            // Where the key came from is not known here: each place it may have is named.
            for setting in ["`api-key-env`", "`api-key`", "`extra-headers`"] {
                assert!(message.contains(setting), "{key:?} {name:?} {value:?}: {message}");
            }
        }
    }

    #[test]
    fn the_users_headers_and_fields_win() {
        let account = Account {
            base_url: "https://a.example/v1".to_owned(),
            api_key: Secret::new("k"),
            extra_headers: vec![
                ("Content-Type".to_owned(), "application/x".to_owned()),
                ("Authorization".to_owned(), "Basic z".to_owned()),
            ],
            extra_body: serde_json::from_str(r#"{"a":null,"b":2,"c":{"d":1}}"#).unwrap(),
            ..Account::default()
        };
        let draft = Draft::to(&OpenAiCompatible, &account, "/x").and_then(Draft::bearer).unwrap();
        let request = draft.set("a", 1).set("b", 1).set("e", 1).post().unwrap();
        assert_eq!(request.headers, [("content-type".to_owned(), "application/x".to_owned())]);
        assert_eq!(request.secret_headers, [("authorization".to_owned(), Secret::new("Basic z"))]);
        assert_eq!(request.body.unwrap(), br#"{"b":2,"c":{"d":1},"e":1}"#);
    }
}
