use super::Error;
use crate::stream::ErrorKind;

/// Where keys and credit for all of OpenAI's formats are.
pub(super) fn advice(error: &Error) -> Option<String> {
    match error.kind {
        ErrorKind::Auth => Some("Keys are made at https://platform.openai.com/api-keys.".to_owned()),
        ErrorKind::Quota => {
            Some("Credit is bought at https://platform.openai.com/settings/organization/billing.".to_owned())
        }
        _ => None,
    }
}
