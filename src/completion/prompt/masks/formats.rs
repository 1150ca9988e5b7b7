//! The formats of secrets, as data. Sources: each vendor's documentation, GitHub's list of secret scanning patterns, and
//! the rules of gitleaks and trufflehog (2026-11).

/// A secret that its vendor marks with a prefix: what follows it is masked.
pub(super) struct Prefixed {
    /// The prefixes, separated by blanks.
    pub prefixes: &'static str,
    /// What may follow.
    pub of: Bytes,
    /// How many bytes follow at least.
    pub least: usize,
}

/// What a text is made of.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Bytes {
    /// Lowercase hexadecimal digits; exactly `least` of them.
    Hex,
    /// Capital letters and digits; exactly `least` of them.
    Capitals,
    Digits,
    /// Letters and digits.
    Alphanumeric,
    /// The same with `_` and `-`.
    Url,
    /// The same with `.`.
    Dotted,
    /// Base64.
    Base64,
    /// What prefixed secrets are made of, with their prefixes.
    Word,
    /// The text around a private key's lines: the key may be in a string, or a comment, and have headers.
    Key,
    /// What the label of a key's marker is made of.
    Label,
    /// The text between a name and its value.
    Assignment,
    /// A value in a URL or a connection string, up to a separator.
    Value,
    /// User, password and host of a URL.
    Authority,
}

impl Bytes {
    pub(super) fn has(self, byte: u8) -> bool {
        let more: &[u8] = match self {
            Self::Digits => return byte.is_ascii_digit(),
            Self::Hex => return matches!(byte, b'0'..=b'9' | b'a'..=b'f'),
            Self::Capitals => return matches!(byte, b'0'..=b'9' | b'A'..=b'Z'),
            Self::Label => return matches!(byte, b' ' | b'A'..=b'Z'),
            Self::Value => return !b" \t\r\n\"'`<>\\)];&".contains(&byte),
            Self::Authority => return !b" \t\r\n\"'`<>\\)]/?#".contains(&byte),
            Self::Assignment => return b" \"'\\=:>".contains(&byte),
            Self::Alphanumeric => b"",
            Self::Url => b"_-",
            Self::Dotted => b"_-.",
            Self::Base64 => b"+/=",
            Self::Word => b"+/=_-.~",
            Self::Key => b"+/= \t\r\n\\\"':,-.#*_",
        };
        byte.is_ascii_alphanumeric() || more.contains(&byte)
    }

    /// Whether exactly as many as `least` follow.
    pub(super) fn is_exact(self) -> bool {
        matches!(self, Self::Hex | Self::Capitals)
    }
}

const fn after(prefixes: &'static str, of: Bytes, least: usize) -> Prefixed {
    Prefixed { prefixes, of, least }
}

/// The first that fits counts.
pub(super) const PREFIXED: &[Prefixed] = &[
    // Models: Anthropic, OpenAI, OpenRouter, DeepSeek and others that took over `sk-`; Google; Groq; Hugging Face; …
    after("sk-ant- sk-proj- sk-svcacct- sk-admin- sk-or-v1-", Bytes::Url, 32),
    after("sk- csk- pplx- xai- gsk_ jina_ tgp_v1_ fw_ r8_", Bytes::Alphanumeric, 22),
    after("AIza", Bytes::Url, 35),
    after("hf_ api_org_", Bytes::Alphanumeric, 30),
    after("nvapi-", Bytes::Url, 60),
    after("tvly-", Bytes::Url, 28),
    // Code: GitHub, GitLab, Atlassian.
    after("ghp_ gho_ ghu_ ghs_ ghr_", Bytes::Alphanumeric, 36),
    after("github_pat_", Bytes::Url, 60),
    after("glpat- gldt- glrt- glcbt- glptt- glft- glimt- glagent- glsoat- gloas- glffct-", Bytes::Dotted, 20),
    after("ATATT3 ATCTT3", Bytes::Base64, 60),
    after("ATBB", Bytes::Alphanumeric, 32),
    // Packages: npm, PyPI, RubyGems, crates.io, NuGet, Docker, Clojars.
    after("npm_ oy2", Bytes::Alphanumeric, 36),
    after("pypi-AgE", Bytes::Url, 50),
    after("rubygems_", Bytes::Hex, 48),
    after("cio", Bytes::Alphanumeric, 32),
    after("dckr_pat_ dckr_oat_", Bytes::Url, 27),
    after("CLOJARS_", Bytes::Hex, 60),
    // Clouds: AWS, Google, DigitalOcean, Fly.io, Heroku, Netlify, Supabase, Databricks, PlanetScale, Pulumi, Doppler, Vault, …
    after("AKIA ASIA ABIA ACCA", Bytes::Capitals, 16),
    after("ABSK", Bytes::Base64, 100),
    after("GOCSPX-", Bytes::Url, 28),
    after("ya29. 1//0", Bytes::Dotted, 40),
    after("dop_v1_ doo_v1_ dor_v1_", Bytes::Hex, 64),
    after("fm1r_ fm2_ fo1_", Bytes::Base64, 40),
    after("HRKU-", Bytes::Url, 36),
    after("nfp_ lin_api_ ntn_", Bytes::Alphanumeric, 36),
    after("sbp_", Bytes::Hex, 40),
    after("sb_secret_", Bytes::Url, 30),
    after("dapi", Bytes::Hex, 32),
    after("pscale_tkn_ pscale_pw_ pscale_oauth_", Bytes::Dotted, 32),
    after("pul-", Bytes::Hex, 40),
    after("dp.pt. dp.st. dp.ct. dp.sa. dp.scim. dp.audit.", Bytes::Dotted, 40),
    after("hvs. hvb. hvr.", Bytes::Url, 24),
    after("NRAK- NRII-", Bytes::Alphanumeric, 27),
    after("glsa_ glc_ sntrys_ sntryu_", Bytes::Base64, 32),
    after("dt0c01. dt0s16.", Bytes::Dotted, 60),
    after("figd_ PMAK-", Bytes::Url, 40),
    after("ops_eyJ", Bytes::Url, 100),
    after("AGE-SECRET-KEY-1", Bytes::Capitals, 58),
    // Chat: Slack, Discord's and Telegram's are among the shapes.
    after("xoxb- xoxp- xoxa- xoxr- xoxs- xoxo- xoxe- xoxe. xapp-", Bytes::Dotted, 30),
    // Payment and mail: Stripe, Square, Shopify, Razorpay, SendGrid, Brevo, Mailgun, Twilio.
    after("sk_live_ sk_test_ rk_live_ rk_test_ whsec_", Bytes::Alphanumeric, 20),
    after("sq0atp- sq0csp-", Bytes::Url, 22),
    after("shpat_ shpca_ shppa_ shpss_", Bytes::Alphanumeric, 32),
    after("rzp_live_ rzp_test_", Bytes::Alphanumeric, 14),
    after("SG.", Bytes::Dotted, 60),
    after("xkeysib- xsmtpsib-", Bytes::Url, 64),
    after("key- SK", Bytes::Hex, 32),
];

/// A secret that is named by what it is assigned to.
pub(super) struct Named {
    /// The end of the name, in lowercase.
    pub name: &'static str,
    pub of: Bytes,
    /// How many bytes at least.
    pub least: usize,
    /// Only as one of the fields of a connection string or a URL: after `;`, `?` or `&`.
    pub is_field: bool,
}

const fn named(name: &'static str, of: Bytes, least: usize, is_field: bool) -> Named {
    Named { name, of, least, is_field }
}

pub(super) const NAMED: &[Named] = &[
    // AWS, in environments, configurations and code.
    named("secret_access_key", Bytes::Base64, 40, false),
    named("secretaccesskey", Bytes::Base64, 40, false),
    // Azure Storage, Service Bus, Cosmos DB.
    named("accountkey", Bytes::Base64, 43, false),
    named("sharedaccesskey", Bytes::Base64, 43, false),
    // npm's registries.
    named("_authtoken", Bytes::Url, 20, false),
    // ADO.NET, ODBC, JDBC.
    named("password", Bytes::Value, 1, true),
    named("pwd", Bytes::Value, 1, true),
];
