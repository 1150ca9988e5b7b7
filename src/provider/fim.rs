//! How open models are asked to fill in the middle: the special tokens of each family.
//!
//! They are from the models' papers and repositories. The model's name tells the family, unless the user names one.

use super::learned::Lesson;
use super::profile::Target;
use super::request::Result;
use super::{FimSetting, Prompt, Seam};
use crate::stream::ErrorKind;

/// The prompt of one family of models, with `{prefix}`, `{suffix}`, `{path}`, `{language}` and
/// `{context}` in it. The context is empty without snippets, else: `repository`, `file` for each
/// snippet (with its `{path}` and `{text}`), `current`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Template<'a> {
    /// Its name in the setting `fim`.
    pub(super) name: &'a str,
    /// Names of models that have one of these in them, all words of it.
    models: &'a [&'a [&'a str]],
    repository: &'a str,
    file: &'a str,
    current: &'a str,
    hole: &'a str,
    /// Where the answer ends, the most telling first.
    pub(super) stops: &'a [&'a str],
}

/// Of models of no known family: the text before the cursor as it is. Rows have from it what their families lack.
pub(super) const PLAIN: Template<'_> =
    Template { name: "", models: &[], repository: "", file: "", current: "", hole: "{prefix}", stops: &[] };

/// In the order in which names are tried: `qwen2.5-coder` before `codeqwen`, `granite-4` before `granite`.
const TEMPLATES: &[Template<'_>] = &[
    Template {
        name: "mercury",
        models: &[&["mercury"]],
        file: "<|file_sep|>{path}\n{text}\n",
        hole: "{context}<|file_sep|>{path}\n<|fim_prefix|>{prefix}<|fim_suffix|>{suffix}<|fim_middle|>",
        stops: &["<|endoftext|>", "<|file_sep|>", "<|fim_pad|>", "<|fim_prefix|>"],
        ..PLAIN
    },
    // QwenLM/Qwen3-Coder, README §§3–4.
    Template {
        name: "qwen",
        models: &[&["qwen", "coder"]],
        repository: "<|repo_name|>{repository}\n",
        file: "<|file_sep|>{path}\n{text}\n",
        current: "<|file_sep|>{path}\n",
        hole: "{context}<|fim_prefix|>{prefix}<|fim_suffix|>{suffix}<|fim_middle|>",
        stops: &["<|endoftext|>", "<|file_sep|>", "<|fim_pad|>", "<|im_end|>"],
    },
    Template {
        name: "granite",
        models: &[&["granite4"], &["granite-4"]],
        hole: "<|fim_prefix|>{prefix}<|fim_suffix|>{suffix}<|fim_middle|>",
        stops: &["<|end_of_text|>", "<|fim_pad|>", "<|fim_prefix|>", "<|fim_suffix|>"],
        ..PLAIN
    },
    // Suffix first, as the Seed-Coder report says.
    Template {
        name: "seed-coder",
        models: &[&["seed", "coder"]],
        hole: "<[fim-suffix]>{suffix}<[fim-prefix]>{prefix}<[fim-middle]>",
        stops: &["<[end▁of▁sentence]>", "<[PAD▁TOKEN]>", "<[fim-suffix]>", "<[fim-prefix]>"],
        ..PLAIN
    },
    // StarCoder2 paper (arXiv 2402.19173) §5.1 for the repository level.
    Template {
        name: "starcoder",
        models: &[&["starcoder"], &["stable-code"], &["stablecode"], &["codeqwen"], &["granite"]],
        repository: "<repo_name>{repository}",
        file: "<file_sep>{path}\n{text}\n",
        current: "<file_sep>",
        hole: "{context}<fim_prefix>{prefix}<fim_suffix>{suffix}<fim_middle>",
        stops: &["<|endoftext|>", "<file_sep>", "<fim_prefix>", "<repo_name>"],
    },
    // Suffix first; the answer follows the prefix at once, no middle token.
    Template {
        name: "codestral",
        models: &[&["codestral"]],
        file: "+++++ {path}\n{text}\n",
        current: "+++++ {path}\n",
        hole: "[SUFFIX]{suffix}[PREFIX]{context}{prefix}",
        stops: &["</s>", "\n+++++ ", "[PREFIX]", "[SUFFIX]"],
        ..PLAIN
    },
    Template {
        name: "codegemma",
        models: &[&["codegemma"]],
        file: "<|file_separator|>{path}\n{text}\n",
        current: "<|file_separator|>",
        hole: "{context}<|fim_prefix|>{prefix}<|fim_suffix|>{suffix}<|fim_middle|>",
        stops: &["<|file_separator|>", "<eos>", "<end_of_turn>", "<|fim_prefix|>"],
        ..PLAIN
    },
    // The spaces are part of it (meta-llama/codellama, generation.py).
    Template {
        name: "codellama",
        models: &[&["codellama"], &["code-llama"]],
        hole: "<PRE> {prefix} <SUF>{suffix} <MID>",
        stops: &["<EOT>", "<PRE>", "<SUF>", "<MID>"],
        ..PLAIN
    },
    // U+FF5C bars and U+2581 blocks.
    Template {
        name: "deepseek",
        models: &[&["deepseek", "coder"]],
        file: "#{path}\n{text}\n",
        current: "#{path}\n",
        hole: "{context}<｜fim▁begin｜>{prefix}<｜fim▁hole｜>{suffix}<｜fim▁end｜>",
        stops: &["<｜end▁of▁sentence｜>", "<|EOT|>", "<｜fim▁begin｜>", "<｜fim▁hole｜>"],
        ..PLAIN
    },
    Template {
        name: "codegeex",
        models: &[&["codegeex"]],
        repository: "###REFERENCE:\n",
        file: "###PATH:{path}\n{text}\n",
        hole: "<|user|>\n{context}###PATH:{path}\n###LANGUAGE:{language}\n###MODE:BLOCK\n\
               <|code_suffix|>{suffix}<|code_prefix|>{prefix}<|code_middle|><|assistant|>\n",
        stops: &["<|endoftext|>", "<|user|>", "<|code_suffix|>", "<|code_prefix|>"],
        ..PLAIN
    },
    Template {
        name: "glm",
        models: &[&["glm-4"], &["glm4"]],
        hole: "<|code_prefix|>{prefix}<|code_suffix|>{suffix}<|code_middle|>",
        stops: &["<|endoftext|>", "<|code_prefix|>", "<|code_suffix|>", "<|code_middle|>"],
        ..PLAIN
    },
    // Suffix first, and the file's name before it.
    Template {
        name: "mellum",
        models: &[&["mellum"]],
        file: "<filename>{path}\n{text}\n",
        hole: "{context}<filename>{path}\n<fim_suffix>{suffix}<fim_prefix>{prefix}<fim_middle>",
        stops: &["<|endoftext|>", "<filename>", "<fim_suffix>", "<fim_prefix>"],
        ..PLAIN
    },
];

/// Stop strings OpenAI's and vLLM's servers take at most.
pub(super) const FEW_STOPS: usize = 4;

/// Names a user may give in the setting `fim`.
pub fn names() -> impl Iterator<Item = &'static str> + Clone {
    TEMPLATES.iter().map(|template| template.name)
}

/// The template of that name.
pub(super) fn named(name: &str) -> Option<&'static Template<'static>> {
    TEMPLATES.iter().find(|template| template.name == name)
}

/// The template of the family the model belongs to by its name; `None` when no family is known to.
pub(super) fn of_model(model: &str) -> Option<&'static Template<'static>> {
    let model = model.to_ascii_lowercase();
    let matches = |words: &[&str]| words.iter().all(|word| model.contains(word));
    TEMPLATES.iter().find(|template| template.models.iter().any(|words| matches(words)))
}

/// How one request is to ask, by the user's word or else by the model's name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Way<'a> {
    /// The server's `suffix` field.
    Suffix,
    /// A whole prompt, sent as it is: by a template of the table, or of the user's own.
    Template(Template<'a>),
    /// Chat.
    Chat,
}

/// The ways a server can be asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Ways {
    /// What is tried when the user does not say.
    pub(super) auto: Auto,
    /// Whether it knows `suffix`.
    pub(super) suffix: bool,
    /// Whether it takes a prompt as it is, special tokens and all.
    pub(super) templates: bool,
    /// Whether it has chat.
    pub(super) chat: bool,
}

/// What is tried when the user does not say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Auto {
    /// The server's `suffix`.
    Suffix,
    /// The template of the model's family, else `suffix`.
    TemplateOrSuffix,
    /// The template of the model's family, else chat.
    TemplateOrChat,
    /// Chat.
    Chat,
}

impl Ways {
    /// All of them, by `suffix` first.
    pub(super) const ALL: Self = Self { auto: Auto::Suffix, suffix: true, templates: true, chat: true };

    /// How to ask: as the setting `fim` says, else as the model's name says, but never in a way that the server has
    /// refused before. The setting may name a template that does not exist, or a way that the server does not have.
    pub(super) fn choose<'a>(&self, target: Target<'a>) -> Result<Way<'a>> {
        let Target { profile, account } = target;
        let family = of_model(target.model());
        let template_or =
            |other| family.filter(|_| self.templates).map_or(other, |family| Way::Template(*family));
        let last = if self.chat { Way::Chat } else { Way::Suffix };
        let way = match (&account.fim, self.auto) {
            (FimSetting::Suffix, _) | (FimSetting::Auto, Auto::Suffix) => Way::Suffix,
            (FimSetting::Chat, _) | (FimSetting::Auto, Auto::Chat) => Way::Chat,
            (FimSetting::Auto, Auto::TemplateOrSuffix) => template_or(Way::Suffix),
            (FimSetting::Auto, Auto::TemplateOrChat) => template_or(Way::Chat),
            (FimSetting::Template(custom), _) if custom.contains("{prefix}") => {
                Way::Template(Template { hole: custom, ..PLAIN })
            }
            (FimSetting::Template(name), _) => Way::Template(*named(name).ok_or_else(|| {
                let names: Vec<_> = names().collect();
                let message = format!("`fim` names no template `{name}`: there are {}.", names.join(", "));
                target.refusal(ErrorKind::Request, &message)
            })?),
        };
        let refused = match way {
            Way::Suffix if !self.suffix => "it knows no `suffix`, leave it at `auto` or name a template",
            Way::Chat if !self.chat && self.templates => {
                "it has no chat, choose the provider `openai` or `openai-compatible`"
            }
            Way::Template(_) if !self.templates => "it fills in the middle by itself, leave it at `auto`",
            Way::Chat if !self.chat => "it fills in the middle by itself, leave it at `auto`",
            _ => "",
        };
        if !refused.is_empty() {
            let message = format!("`fim` does not fit {}: {refused}.", profile.title);
            return Err(target.refusal(ErrorKind::NoFim, &message));
        }
        Ok(match way {
            _ if account.lessons.contains(&Lesson::NoFim) => last,
            Way::Suffix if account.lessons.contains(&Lesson::NoSuffix) => template_or(last),
            way => way,
        })
    }

    /// How an answer that broke off is continued: FIM by its prefix, chat by an instruction.
    pub(super) fn seam(&self, target: Target<'_>) -> Seam {
        if matches!(self.choose(target), Err(_) | Ok(Way::Chat)) { Seam::Instruction } else { Seam::Prefix }
    }
}

impl Template<'_> {
    /// The whole prompt, to be sent as it is.
    pub(super) fn render(&self, prompt: &Prompt) -> String {
        render(self.hole, prompt, &self.context(prompt))
    }

    /// The prefix with the snippets before it, for servers that put in the special tokens themselves;
    /// only for families that tell files apart by plain text.
    pub(super) fn prefix(&self, prompt: &Prompt) -> String {
        render("{context}{prefix}", prompt, &self.context(prompt))
    }

    fn context(&self, prompt: &Prompt) -> String {
        if prompt.snippets.is_empty() || self.file.is_empty() {
            return String::new();
        }
        let mut out = String::new();
        if !prompt.repository.is_empty() {
            fill(self.repository, &[("{repository}", &prompt.repository)], &mut out);
        }
        for snippet in &prompt.snippets {
            let text = without_marks(self.hole, snippet.text.trim_end_matches('\n'));
            fill(self.file, &[("{path}", &snippet.path), ("{text}", &text)], &mut out);
        }
        fill(self.current, &[("{path}", &prompt.path)], &mut out);
        out
    }

    /// At most `limit` stop strings: those of the family, then those the prompt asks for.
    pub(super) fn stops(&self, prompt: &Prompt, limit: usize) -> Vec<String> {
        let mut stops = Vec::new();
        for stop in self.stops {
            stops.push((*stop).to_owned());
        }
        stops.extend_from_slice(&prompt.stop);
        stops.truncate(limit);
        stops
    }
}

/// Puts the prompt's texts into a template, of the table or of the user's own. Text of an answer that
/// broke off belongs to the prefix.
fn render(template: &str, prompt: &Prompt, context: &str) -> String {
    let prefix = without_marks(template, &format!("{}{}", prompt.prefix, prompt.received));
    let suffix = without_marks(template, &prompt.suffix);
    let mut out = String::with_capacity(template.len() + context.len() + prefix.len() + suffix.len());
    let texts = [
        ("{context}", context),
        ("{prefix}", &prefix),
        ("{suffix}", &suffix),
        ("{path}", &prompt.path),
        ("{language}", &prompt.language),
    ];
    fill(template, &texts, &mut out);
    out
}

/// The text with a blank in each mark of the template, which would end the text for the model: `<PRE>` and `[SUFFIX]`
/// may be code of the user's.
fn without_marks(template: &str, text: &str) -> String {
    let mut text = text.to_owned();
    for word in template.split(|c: char| matches!(c, '{' | '}') || c.is_whitespace()) {
        let within = |open, close| word.strip_prefix(open)?.strip_suffix(close);
        if within('<', '>').or_else(|| within('[', ']')).is_some() {
            let (first, rest) = word.split_at(1);
            text = text.replace(word, &[first, " ", rest].concat());
        }
    }
    text
}

/// Appends the template with the texts in their places. What looks like a place within a text stays.
pub(super) fn fill(template: &str, texts: &[(&str, &str)], out: &mut String) {
    let mut rest = template;
    while let Some(at) = rest.find('{') {
        let (plain, place) = rest.split_at(at);
        out.push_str(plain);
        let known = texts.iter().find_map(|(name, text)| Some((text, place.strip_prefix(name)?)));
        rest = match known {
            Some((text, after)) => {
                out.push_str(text);
                after
            }
            None => {
                out.push('{');
                place.get(1..).unwrap_or_default()
            }
        };
    }
    out.push_str(rest);
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use super::*;
    use crate::provider::testing::cases;
    use crate::provider::{Account, Snippet};

    fn prompt(snippets: bool) -> Prompt {
        let snippet = |path: &str, text: &str| Snippet { path: path.to_owned(), text: text.to_owned() };
        Prompt {
            prefix: "P".to_owned(),
            suffix: "S".to_owned(),
            path: "cur.rs".to_owned(),
            language: "rust".to_owned(),
            repository: "repo".to_owned(),
            snippets: if snippets { vec![snippet("a.rs", "A\n"), snippet("b.rs", "B")] } else { Vec::new() },
            ..Prompt::default()
        }
    }

    #[test]
    fn marks_of_a_template_in_the_texts_are_broken_up() {
        for (name, text, left) in [
            ("codellama", "a <PRE> b <SUF>c", "a < PRE> b < SUF>c"),
            ("codestral", "x = y[SUFFIX] + [PREFIX]", "x = y[ SUFFIX] + [ PREFIX]"),
            ("mellum", "<filename>a", "< filename>a"),
            ("qwen", "names[PREFIX] <PRE> {prefix}", "names[PREFIX] <PRE> {prefix}"),
        ] {
            let template = named(name).unwrap();
            let snippets = vec![Snippet { path: "a.rs".to_owned(), text: text.to_owned() }];
            let all =
                Prompt { prefix: text.to_owned(), suffix: text.to_owned(), snippets, ..Prompt::default() };
            let rendered = template.render(&all);
            let times = if template.file.is_empty() { 2 } else { 3 };
            assert_eq!(rendered.matches(left).count(), times, "{name}: {rendered}");
        }
    }

    #[test]
    fn each_template_renders_exactly_its_tokens() {
        let table = expect![[r#"
            mercury
            > <|file_sep|>cur.rs\n<|fim_prefix|>P<|fim_suffix|>S<|fim_middle|>
            > <|file_sep|>a.rs\nA\n<|file_sep|>b.rs\nB\n<|file_sep|>cur.rs\n<|fim_prefix|>P<|fim_suffix|>S<|fim_middle|>
            qwen
            > <|fim_prefix|>P<|fim_suffix|>S<|fim_middle|>
            > <|repo_name|>repo\n<|file_sep|>a.rs\nA\n<|file_sep|>b.rs\nB\n<|file_sep|>cur.rs\n<|fim_prefix|>P<|fim_suffix|>S<|fim_middle|>
            granite
            > <|fim_prefix|>P<|fim_suffix|>S<|fim_middle|>
            > <|fim_prefix|>P<|fim_suffix|>S<|fim_middle|>
            seed-coder
            > <[fim-suffix]>S<[fim-prefix]>P<[fim-middle]>
            > <[fim-suffix]>S<[fim-prefix]>P<[fim-middle]>
            starcoder
            > <fim_prefix>P<fim_suffix>S<fim_middle>
            > <repo_name>repo<file_sep>a.rs\nA\n<file_sep>b.rs\nB\n<file_sep><fim_prefix>P<fim_suffix>S<fim_middle>
            codestral
            > [SUFFIX]S[PREFIX]P
            > [SUFFIX]S[PREFIX]+++++ a.rs\nA\n+++++ b.rs\nB\n+++++ cur.rs\nP
            codegemma
            > <|fim_prefix|>P<|fim_suffix|>S<|fim_middle|>
            > <|file_separator|>a.rs\nA\n<|file_separator|>b.rs\nB\n<|file_separator|><|fim_prefix|>P<|fim_suffix|>S<|fim_middle|>
            codellama
            > <PRE> P <SUF>S <MID>
            > <PRE> P <SUF>S <MID>
            deepseek
            > <｜fim▁begin｜>P<｜fim▁hole｜>S<｜fim▁end｜>
            > #a.rs\nA\n#b.rs\nB\n#cur.rs\n<｜fim▁begin｜>P<｜fim▁hole｜>S<｜fim▁end｜>
            codegeex
            > <|user|>\n###PATH:cur.rs\n###LANGUAGE:rust\n###MODE:BLOCK\n<|code_suffix|>S<|code_prefix|>P<|code_middle|><|assistant|>\n
            > <|user|>\n###REFERENCE:\n###PATH:a.rs\nA\n###PATH:b.rs\nB\n###PATH:cur.rs\n###LANGUAGE:rust\n###MODE:BLOCK\n<|code_suffix|>S<|code_prefix|>P<|code_middle|><|assistant|>\n
            glm
            > <|code_prefix|>P<|code_suffix|>S<|code_middle|>
            > <|code_prefix|>P<|code_suffix|>S<|code_middle|>
            mellum
            > <filename>cur.rs\n<fim_suffix>S<fim_prefix>P<fim_middle>
            > <filename>a.rs\nA\n<filename>b.rs\nB\n<filename>cur.rs\n<fim_suffix>S<fim_prefix>P<fim_middle>
        "#]];
        cases(&table, |name| {
            let render = |snippets| named(name[0]).unwrap().render(&prompt(snippets)).replace('\n', r"\n");
            [render(false), render(true)].join("\n")
        });
    }

    #[test]
    fn every_marker_of_a_prompt_is_a_stop_or_ends_it() {
        // A model that goes on after its answer writes the next marker of the training text.
        for template in TEMPLATES {
            assert!(template.stops.len() <= FEW_STOPS, "{}", template.name);
            let end_of_text =
                template.stops.iter().filter(|stop| !rendered(template).contains(*stop)).count();
            assert!(end_of_text >= 1, "{} has a stop for the end of the text", template.name);
        }
    }

    fn rendered(template: &Template<'_>) -> String {
        template.render(&prompt(true))
    }

    #[test]
    fn families_are_recognised_by_name() {
        for (model, name) in [
            ("qwen2.5-coder:1.5b-base", Some("qwen")),
            ("Qwen/Qwen3-Coder-30B-A3B-Instruct", Some("qwen")),
            ("codeqwen:7b", Some("starcoder")),
            ("qwen3:8b", None),
            ("bigcode/starcoder2-3b", Some("starcoder")),
            ("stable-code:3b-code", Some("starcoder")),
            ("granite-code:3b", Some("starcoder")),
            ("granite4:micro-h", Some("granite")),
            ("codestral:22b", Some("codestral")),
            ("codegemma:2b-code", Some("codegemma")),
            ("codellama/CodeLlama-7b-hf", Some("codellama")),
            ("deepseek-coder-v2:16b", Some("deepseek")),
            ("deepseek-r1:8b", None),
            ("ByteDance-Seed/Seed-Coder-8B-Base", Some("seed-coder")),
            ("JetBrains/Mellum-4b-base", Some("mellum")),
            ("codegeex4", Some("codegeex")),
            ("glm-4.5-air", Some("glm")),
            ("gpt-4.1-mini", None),
            ("", None),
        ] {
            assert_eq!(of_model(model).map(|template| template.name), name, "{model}");
        }
    }

    #[test]
    fn a_broken_answer_belongs_to_the_prefix() {
        let prompt = Prompt { received: "R".to_owned(), ..prompt(false) };
        assert_eq!(named("qwen").unwrap().render(&prompt), "<|fim_prefix|>PR<|fim_suffix|>S<|fim_middle|>");
        assert_eq!(named("codestral").unwrap().prefix(&prompt), "PR");
    }

    #[test]
    fn braces_of_the_code_are_left_alone() {
        let prompt = Prompt { prefix: "{suffix} {".to_owned(), ..prompt(false) };
        assert_eq!(render("{{prefix}|{suffix}|{x}", &prompt, ""), "{{suffix} {|S|{x}");
    }

    #[test]
    fn stops_are_cut_to_what_the_server_takes() {
        let prompt = Prompt { stop: vec!["\n\n".to_owned()], ..prompt(false) };
        let qwen = named("qwen").unwrap();
        assert_eq!(qwen.stops(&prompt, FEW_STOPS).len(), 4);
        assert_eq!(qwen.stops(&prompt, 16).last().map(String::as_str), Some("\n\n"));
    }

    #[test]
    fn what_a_server_refused_is_not_asked_again() {
        let profile = super::super::registry::profile("ollama").unwrap();
        let only_chat = Ways { suffix: false, templates: false, ..Ways::ALL };
        for (ways, model, lessons, expected) in [
            (Ways::ALL, "qwen2.5-coder:7b", vec![], "suffix"),
            (Ways::ALL, "qwen2.5-coder:7b", vec![Lesson::NoSuffix], "qwen"),
            (Ways::ALL, "phi4", vec![Lesson::NoSuffix], "chat"),
            (Ways::ALL, "qwen2.5-coder:7b", vec![Lesson::NoSuffix, Lesson::NoFim], "chat"),
            (Ways { auto: Auto::Chat, ..only_chat }, "phi4", vec![], "chat"),
            (Ways { chat: false, templates: false, ..Ways::ALL }, "phi4", vec![Lesson::NoSuffix], "suffix"),
        ] {
            let account = Account { model: model.to_owned(), lessons: lessons.clone(), ..Account::default() };
            let way = match ways.choose(Target { profile, account: &account }).unwrap() {
                Way::Suffix => "suffix",
                Way::Template(template) => template.name,
                Way::Chat => "chat",
            };
            assert_eq!(way, expected, "{model} {lessons:?}");
        }
    }
}
