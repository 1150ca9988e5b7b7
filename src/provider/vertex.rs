//! What both of Vertex AI's formats share: the URL of a model in a project, and the token.

use super::request::Draft;
use super::url::{is_label, segment};
use super::{Account, Error, Provider};
use crate::stream::ErrorKind;

/// Environment variables that may hold an access token, as Google's own tools name them.
pub(super) const TOKEN_ENV: &[&str] = &["CLOUDSDK_AUTH_ACCESS_TOKEN", "GOOGLE_OAUTH_ACCESS_TOKEN"];

/// The host of the location `global`, which is where a model is if the user does not say.
pub(super) const GLOBAL: &str = "https://aiplatform.googleapis.com";

/// A request to `method` of a publisher's model, by the settings `vertex.project` and `vertex.location`.
///
/// # Errors
/// When one of them is missing or wrong, or there is no token.
pub(super) fn draft<'a>(
    provider: &'a dyn Provider,
    account: &'a Account,
    publisher: &str,
    method: &str,
) -> Result<Draft<'a>, Error> {
    let wrong = |message| Err(Error::of_settings(provider, ErrorKind::Request, message));
    let Some(project) = account.option("vertex.project") else {
        return wrong("Set `vertex.project` to the id of your Google Cloud project.");
    };
    let location = account.option("vertex.location").unwrap_or("global");
    if !is_label(location) {
        return wrong("`vertex.location` is no location: it should look like `us-central1` or `global`.");
    }
    let own = match location {
        "global" => GLOBAL.to_owned(),
        location => format!("https://{location}-aiplatform.googleapis.com"),
    };
    let host = account.base_url_or(&own);
    let project = segment(project);
    let model = segment(account.model_or(provider.defaults().model));
    let path =
        format!("projects/{project}/locations/{location}/publishers/{publisher}/models/{model}{method}");
    Draft::to_url(provider, account, &format!("{}/v1/{path}", host.trim_end_matches("/v1")))?.bearer()
}

/// How a token is got: they live for an hour.
pub(super) fn advice(error: &Error) -> Option<String> {
    let advice = "`gcloud auth print-access-token` prints a token; it is good for an hour.";
    matches!(error.kind, ErrorKind::Auth).then(|| advice.to_owned())
}

#[cfg(test)]
mod tests {
    use crate::provider::testing::{account, prompt, sent};
    use crate::provider::vertex_gemini::VertexGemini;
    use crate::provider::{Account, Secret};

    #[test]
    fn settings_that_are_missing_or_wrong_are_named() {
        let project = ("vertex.project", "demo");
        for (options, key, expected) in [
            (&[][..], "KEY", "error request: Set `vertex.project`"),
            (&[project, ("vertex.location", "evil.example/")], "KEY", "error request: `vertex.location`"),
            (&[project], "", "error auth: Vertex AI wants an API key"),
        ] {
            let options =
                options.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
            let account = Account { options, api_key: Secret::new(key), ..account() };
            let sent = sent(&VertexGemini, &account, &prompt());
            assert!(sent.starts_with(expected), "{sent}");
        }
    }
}
