//! Where requests go: the URL of each provider, from the settings and a path.

use super::profile::{Address, Target};
use super::request::Result;
use super::url::{is_label, segment};
use crate::http::Url;
use crate::stream::ErrorKind;

/// Azure's API version for deployments.
const AZURE: &str = "2024-10-21";
/// The same for models that think: older versions refuse them, or their least effort.
const AZURE_THINKING: &str = "2025-04-01-preview";
/// The version of Foundry's model inference, which has a list of its own.
const AZURE_FOUNDRY: &str = "2024-05-01-preview";

/// Endpoints that users paste along with the base URL.
const ENDPOINTS: &[&str] =
    &["/chat/completions", "/fim/completions", "/completions", "/responses", "/messages"];

/// Parameters of a query that may hold a key. A URL is shown in messages, so it must not have one.
const SECRET_PARAMETERS: &[&str] = &["key", "token", "secret", "sig", "password", "code"];

/// The URL for `path`, which begins with a slash and may have a query.
pub(super) fn url(target: Target<'_>, path: &str) -> Result<String> {
    let Target { profile, account } = target;
    let own = match profile.address {
        Address::Azure => return azure(target),
        Address::Vertex(publisher) => return vertex(target, publisher, path),
        Address::Bedrock => bedrock_host("bedrock-runtime", region(target)?),
        Address::Cloudflare => match account.option("cloudflare.account-id").map(segment) {
            Some(id) => format!("{}/client/v4/accounts/{id}/ai/v1", profile.defaults.base_url),
            None if account.base_url.trim().is_empty() => {
                let message = "Set `cloudflare.account-id` to the id of your account at Cloudflare.";
                return Err(target.refusal(ErrorKind::Request, message));
            }
            None => String::new(),
        },
        Address::Base | Address::Root(_) | Address::Versioned(_) => profile.defaults.base_url.to_owned(),
    };
    let mut base = base(target, &own)?;
    match profile.address {
        Address::Root(others) => {
            let root = others.iter().find_map(|other| base.url.strip_suffix(other)).unwrap_or(&base.url);
            base.url.truncate(root.len());
        }
        Address::Versioned(version) if !base.url.ends_with(version) => base.url.push_str(version),
        _ => {}
    }
    Ok(base.join(path))
}

/// A base URL: what stands before the path of a request, and a query that every request has.
struct Base {
    url: String,
    query: String,
}

impl Base {
    fn join(&self, path: &str) -> String {
        let mark = match (self.query.is_empty(), path.contains('?')) {
            (true, _) => "",
            (false, true) => "&",
            (false, false) => "?",
        };
        [&self.url, path, mark, &self.query].concat()
    }
}

/// The base URL of the user, or `own`; an endpoint behind it is left out. A base URL without a path gets that of
/// `own`, or `/v1`.
fn base(target: Target<'_>, own: &str) -> Result<Base> {
    let Target { profile, account } = target;
    let wrong = |message: &str| Err(target.refusal(ErrorKind::Request, message));
    let given = account.base_url_or(own);
    if given.is_empty() {
        return wrong(&format!("Set `base-url` to the address of {}.", profile.title));
    }
    let (url, query) = given.split_once('?').unwrap_or((given, ""));
    let is_secret = |pair: &str| {
        let name = pair.split('=').next().unwrap_or_default().to_ascii_lowercase();
        SECRET_PARAMETERS.iter().any(|secret| name.ends_with(secret))
    };
    if query.split('&').any(is_secret) {
        return wrong("`base-url` must not hold a key: it belongs in the environment, see `api-key-env`.");
    }
    let url = url.trim_end_matches('/');
    let url = ENDPOINTS.iter().find_map(|endpoint| url.strip_suffix(endpoint)).unwrap_or(url);
    // As it is read: behind a socket belongs a `:`.
    let parsed = Url::parse(url);
    let url = parsed.as_ref().map_or(url, Url::as_str);
    let root = match own {
        _ if !parsed.as_ref().is_ok_and(|url| url.path().is_empty()) => String::new(),
        "" if matches!(profile.address, Address::Base) => "/v1".to_owned(),
        own => Url::parse(own).map(|own| own.path().to_owned()).unwrap_or_default(),
    };
    Ok(Base { url: [url, &root].concat(), query: query.to_owned() })
}

/// Azure has two shapes of URL: a deployment's own with a version of the API, and the newer `/openai/v1`
/// without one (learn.microsoft.com, "Azure OpenAI in Azure AI Foundry Models v1 API"). Foundry's model
/// inference is a third.
fn azure(target: Target<'_>) -> Result<String> {
    let deployment = target.account.model_or("");
    let is_name = deployment.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte));
    if deployment.is_empty() || !is_name {
        let message = "Set `model` to the name of the deployment at Azure OpenAI.";
        return Err(target.refusal(ErrorKind::Model, message));
    }
    let mut base = base(target, "")?;
    if base.url.ends_with("/openai/v1") {
        base.query.clear();
        return Ok(base.join("/chat/completions"));
    }
    let is_foundry = base.url.ends_with("/models");
    let version = target.account.option("azure.api-version").map(segment);
    if version.is_some() || base.query.is_empty() {
        let usual = match (is_foundry, target.plan().known) {
            (true, _) => AZURE_FOUNDRY,
            (false, true) => AZURE_THINKING,
            (false, false) => AZURE,
        };
        base.query = ["api-version=", version.as_deref().unwrap_or(usual)].concat();
    }
    if !is_foundry && !base.url.contains("/openai/deployments/") {
        let resource = base.url.trim_end_matches("/openai");
        base.url = [resource, "/openai/deployments/", deployment].concat();
    }
    Ok(base.join("/chat/completions"))
}

/// The URL of a publisher's model on Vertex AI. `method` is what to do with it.
fn vertex(target: Target<'_>, publisher: &str, method: &str) -> Result<String> {
    let Target { profile, account } = target;
    let wrong = |message| Err(target.refusal(ErrorKind::Request, message));
    let Some(project) = account.option("vertex.project") else {
        return wrong("Set `vertex.project` to the id of your Google Cloud project.");
    };
    let location = account.option("vertex.location").unwrap_or("global");
    if !is_label(location) {
        return wrong("`vertex.location` is no location: it should look like `us-central1` or `global`.");
    }
    let own = match location {
        "global" => profile.defaults.base_url.to_owned(),
        location => format!("https://{location}-aiplatform.googleapis.com"),
    };
    let mut base = base(target, &own)?;
    base.url.truncate(base.url.trim_end_matches("/v1").len());
    let (project, model) = (segment(project), segment(target.model()));
    let path =
        format!("/v1/projects/{project}/locations/{location}/publishers/{publisher}/models/{model}{method}");
    Ok(base.join(&path))
}

/// The region of AWS. It decides where the key goes, so that it must be no more than a label of the host.
pub(super) fn region(target: Target<'_>) -> Result<&str> {
    let account = target.account;
    let wrong = match account.option("aws.region") {
        Some(region) if is_label(region) => return Ok(region),
        Some(_) => "`aws.region` is no region: it should look like `us-east-1`.",
        // A gateway is told one in the signature only.
        None if !account.base_url.is_empty() => return Ok("us-east-1"),
        None => {
            "Set `aws.region`, such as `us-east-1`, or AWS_REGION in the environment: models are offered by region."
        }
    };
    Err(target.refusal(ErrorKind::Request, wrong))
}

/// A host of Bedrock's: `bedrock-runtime` answers, `bedrock` lists models.
pub(super) fn bedrock_host(service: &str, region: &str) -> String {
    let china = if region.starts_with("cn-") { ".cn" } else { "" };
    format!("https://{service}.{region}.amazonaws.com{china}")
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use super::super::registry::profile;
    use super::super::testing::cases;
    use super::*;
    use crate::provider::Account;

    #[test]
    fn urls_are_made_of_settings_as_users_write_them() {
        let table = expect![[r#"
            openai-compatible base=https://a.example/v1 /chat/completions
            > https://a.example/v1/chat/completions
            openai-compatible base=https://a.example/v1/ /chat/completions
            > https://a.example/v1/chat/completions
            openai-compatible base=http://localhost:8000 /chat/completions
            > http://localhost:8000/v1/chat/completions
            openai-compatible base=https://a.example/x/chat/completions /chat/completions
            > https://a.example/x/chat/completions
            # Gateways that want a query on each request
            openai-compatible base=https://a.example/x?api-version=2024-06-01&b /chat/completions
            > https://a.example/x/chat/completions?api-version=2024-06-01&b
            openai-compatible base=https://a.example/x/chat/completions/?v=1 /chat/completions
            > https://a.example/x/chat/completions?v=1
            openai-compatible base=https://a.example?v=1 /chat/completions
            > https://a.example/v1/chat/completions?v=1
            groq base=https://a.example /chat/completions
            > https://a.example/openai/v1/chat/completions
            anthropic base=https://gate.example/v1 /chat/completions
            > https://gate.example/v1/chat/completions
            anthropic base=https://gate.example /chat/completions
            > https://gate.example/v1/chat/completions
            anthropic base=https://gate.example/anthropic/ /chat/completions
            > https://gate.example/anthropic/v1/chat/completions
            anthropic base=https://gate.example/x/v1/messages?a=b /chat/completions
            > https://gate.example/x/v1/chat/completions?a=b
            ollama base=http://localhost:11434/api /chat/completions
            > http://localhost:11434/chat/completions
            ollama base=unix:///run/o.sock /chat/completions
            > unix:///run/o.sock:/chat/completions
            openai-compatible base=unix:///run/l.sock/ /chat/completions
            > unix:///run/l.sock:/v1/chat/completions
            openai-compatible base=unix:///run/l.sock:/x?v=1 /chat/completions
            > unix:///run/l.sock:/x/chat/completions?v=1
            ollama base=http://localhost:11434/v1/chat/completions /chat/completions
            > http://localhost:11434/chat/completions
            openai-compatible base=https://a.example/x?v=1 /models?limit=9
            > https://a.example/x/models?limit=9&v=1
            # Azure's addresses, as the portal gives them
            azure base=https://r.openai.azure.com /chat/completions
            > https://r.openai.azure.com/openai/deployments/m-1/chat/completions?api-version=2024-10-21
            azure base=https://r.openai.azure.com/openai /chat/completions
            > https://r.openai.azure.com/openai/deployments/m-1/chat/completions?api-version=2024-10-21
            azure base=https://r.openai.azure.com azure.api-version=2025-01-01-preview /chat/completions
            > https://r.openai.azure.com/openai/deployments/m-1/chat/completions?api-version=2025-01-01-preview
            azure base=https://r.openai.azure.com/openai/deployments/e/chat/completions?api-version=x /chat/completions
            > https://r.openai.azure.com/openai/deployments/e/chat/completions?api-version=x
            azure base=https://r.openai.azure.com/openai/v1 /chat/completions
            > https://r.openai.azure.com/openai/v1/chat/completions
            azure base=https://r.openai.azure.com/openai/v1/responses /chat/completions
            > https://r.openai.azure.com/openai/v1/chat/completions
            azure base=https://r.openai.azure.com/models /chat/completions
            > https://r.openai.azure.com/models/chat/completions?api-version=2024-05-01-preview
            # clouds have addresses by project, region and account
            vertex-gemini vertex.project=p vertex.location=europe-west4 :x?alt=sse
            > https://europe-west4-aiplatform.googleapis.com/v1/projects/p/locations/europe-west4/publishers/google/models/m-1:x?alt=sse
            vertex-gemini base=https://gw.example/v1 vertex.project=p vertex.location=europe-west4 :x?alt=sse
            > https://gw.example/v1/projects/p/locations/europe-west4/publishers/google/models/m-1:x?alt=sse
            bedrock aws.region=cn-north-1 /m
            > https://bedrock-runtime.cn-north-1.amazonaws.com.cn/m
            cloudflare cloudflare.account-id=a1 /chat/completions
            > https://api.cloudflare.com/client/v4/accounts/a1/ai/v1/chat/completions
            # what is missing or wrong is named
            openai-compatible /x
            > Set `base-url` to the address of the server. For example `https://gateway.example/v1`.
            openai-compatible base=https://a.example/v1?api_key=k /x
            > `base-url` must not hold a key: it belongs in the environment, see `api-key-env`. For example `https://gateway.example/v1`.
            azure /x
            > Set `base-url` to the address of Azure OpenAI. At Azure it is `https://RESOURCE.openai.azure.com`.
            vertex-gemini /x
            > Set `vertex.project` to the id of your Google Cloud project.
            vertex-gemini vertex.project=p vertex.location=a/b /x
            > `vertex.location` is no location: it should look like `us-central1` or `global`.
            bedrock /x
            > Set `aws.region`, such as `us-east-1`, or AWS_REGION in the environment: models are offered by region.
            bedrock aws.region=a@b /x
            > `aws.region` is no region: it should look like `us-east-1`.
            cloudflare /x
            > Set `cloudflare.account-id` to the id of your account at Cloudflare.
        "#]];
        cases(&table, |line| {
            let words: Vec<_> = line[0].split(' ').collect();
            let [provider, options @ .., path] = &words[..] else { panic!("{line:?}") };
            let options = options.iter().filter_map(|option| option.split_once('='));
            let mut account = Account { model: "m-1".to_owned(), ..Account::default() };
            account.options = options.map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
            account.base_url = account.option("base").unwrap_or_default().to_owned();
            let target = Target { profile: profile(provider).unwrap(), account: &account };
            url(target, path).unwrap_or_else(|error| error.message)
        });
        let base_url = " https://a.example/v1/ ".to_owned();
        let account = Account { base_url, ..Account::default() };
        let target = Target { profile: profile("openai-compatible").unwrap(), account: &account };
        assert_eq!(url(target, "/x").unwrap(), "https://a.example/v1/x");
    }
}
