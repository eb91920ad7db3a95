//! The configuration file with every option, what it means and its default, made from where the options are declared.

use std::fmt::Write;

use schemars::generate::SchemaSettings;
use serde_json::{Map, Value};

use super::RawConfig;

const HEAD: &str = "\
# Every option of the configuration file of `usher serve --config <file>`, commented out. Options above the first table
# are flags and variables too (`usher serve --help`): a flag wins over a variable, and a variable over the file.
# `usher config` prints this file.
";

/// Characters of a line of text.
const WIDTH: usize = 110;

/// One option as it is declared.
struct Described<'s> {
    name: &'s str,
    schema: &'s Map<String, Value>,
    /// What it means.
    text: String,
    /// As it is declared, if it is.
    default: Option<String>,
}

impl<'s> Described<'s> {
    fn of(name: &'s str, schema: &'s Value) -> Option<Self> {
        let schema = schema.as_object()?;
        let whole = schema.get("description").and_then(Value::as_str).unwrap_or_default().replace('\n', " ");
        let (text, default) = match whole.split_once(" [default: ") {
            Some((text, rest)) => (text.to_owned() + rest.split_once(']').map_or("", |(_, rest)| rest), declared(rest)),
            None => (whole, None),
        };
        Some(Self { name, schema, text, default })
    }

    /// The options of the table that it is, and whether there may be several of these.
    fn table(&self) -> Option<(&'s Map<String, Value>, bool)> {
        if self.default.is_some() {
            return None;
        }
        let of = |schema: &'s Value| schema.get("properties").and_then(Value::as_object);
        if let Some(items) = self.schema.get("items") {
            return of(items).map(|options| (options, true));
        }
        let alternatives = self.schema.get("anyOf").and_then(Value::as_array).into_iter().flatten();
        let own = self.schema.get("properties").and_then(Value::as_object);
        own.or_else(|| alternatives.filter_map(of).next()).map(|options| (options, false))
    }

    fn is(&self, kind: &str) -> bool {
        match self.schema.get("type") {
            Some(Value::String(own)) => own == kind,
            Some(Value::Array(several)) => several.iter().any(|own| own == kind),
            _ => false,
        }
    }

    /// What stands behind `=`, and whether that is the default.
    fn value(&self) -> Option<(String, bool)> {
        let examples = self.schema.get("examples").and_then(Value::as_array);
        if let Some(example) = examples.and_then(|examples| examples.first()) {
            return Some((example.to_string(), false));
        }
        let default = self.default.as_ref()?;
        let quoted = |text: &str| Value::from(text).to_string();
        Some(if self.is("array") {
            (format!("[{}]", default.split(", ").map(quoted).collect::<Vec<_>>().join(", ")), true)
        } else if self.is("string") {
            (quoted(default), true)
        } else {
            (default.clone(), true)
        })
    }
}

/// Up to the bracket that ends the default.
fn declared(rest: &str) -> Option<String> {
    rest.split_once(']').map(|(default, _)| default.to_owned())
}

/// The file as text.
pub fn example() -> String {
    let settings = SchemaSettings::default().with(|settings| settings.inline_subschemas = true);
    let schema = settings.into_generator().into_root_schema_for::<RawConfig>();
    let mut text = HEAD.to_owned();
    if let Some(options) = schema.get("properties").and_then(Value::as_object) {
        table(&mut text, "", options);
    }
    text
}

/// The options of a table, then the tables in it.
fn table(text: &mut String, path: &str, options: &Map<String, Value>) {
    let described = || options.iter().filter_map(|(name, schema)| Described::of(name, schema));
    for option in described().filter(|option| option.table().is_none()) {
        let value = option.value();
        let default = match (&value, &option.default) {
            (Some((_, false)), Some(default)) => format!(" [default: {default}]"),
            _ => String::new(),
        };
        wrap(text, &format!("{}{default}", option.text.trim_end_matches('.')));
        let value = value.map(|(value, _)| value).unwrap_or_default();
        let _ = writeln!(text, "#{} = {value}", option.name);
    }
    for option in described() {
        let Some((inner, is_list)) = option.table() else { continue };
        let path = if path.is_empty() { option.name.to_owned() } else { format!("{path}.{}", option.name) };
        wrap(text, &option.text);
        let _ = if is_list { writeln!(text, "#[[{path}]]") } else { writeln!(text, "#[{path}]") };
        table(text, &path, inner);
    }
}

/// Text as comments, after an empty line.
fn wrap(text: &mut String, words: &str) {
    text.push_str("\n#");
    let mut used = 1;
    for word in words.split_whitespace() {
        let length = word.chars().count() + 1;
        if used + length > WIDTH {
            text.push_str("\n#");
            used = 1;
        }
        text.push(' ');
        text.push_str(word);
        used += length;
    }
    text.push('\n');
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::super::{
        RawConfig, RawEmbedder, RawIssuer, RawOpenFga, RawOtlp, RawQdrant, RawReranker, embedders, issuers, openfga,
        otlp, qdrant, reranker,
    };
    use super::*;

    /// The file's options, none commented out.
    fn uncommented() -> String {
        let lines = example();
        let lines = lines.lines().filter_map(|line| line.strip_prefix('#')).filter(|line| !line.starts_with(' '));
        lines.map(|line| format!("{line}\n")).collect()
    }

    #[test]
    fn the_file_in_the_repository_is_what_the_command_prints() {
        let kept = include_str!("../../deploy/usher.example.toml");
        assert!(kept == example(), "deploy/usher.example.toml differs from what `usher config` prints");
    }

    #[test]
    fn every_option_can_be_written_as_it_stands() {
        let text = uncommented();
        let raw: RawConfig = toml::from_str(&text).unwrap_or_else(|error| panic!("{error}\n{text}"));
        assert!(raw.openfga.is_some() && raw.qdrant.is_some() && raw.otlp.is_some(), "{text}");
        assert_eq!((raw.issuers.len(), raw.embedders.len()), (1, 1));
        for line in text.lines().filter(|line| !line.starts_with('[')) {
            assert!(line.split_once(" = ").is_some_and(|(_, value)| !value.is_empty()), "{line}: no value");
        }
        assert!(text.lines().count() > 70, "{}", text.lines().count());
    }

    /// Only the options with declared defaults, and those that a table needs.
    fn declared_defaults() -> toml::Table {
        fn keep(options: &Map<String, Value>, table: &mut toml::Table, required: &[Value]) {
            for (name, schema) in options {
                let described = Described::of(name, schema).unwrap();
                if let Some((inner, is_list)) = described.table() {
                    let needed = ["/items/required", "/anyOf/0/required", "/required"]
                        .into_iter()
                        .find_map(|at| schema.pointer(at));
                    let needed = needed.and_then(Value::as_array).cloned().unwrap_or_default();
                    let held = match table.get_mut(name) {
                        Some(toml::Value::Array(list)) if is_list => list[0].as_table_mut(),
                        other => other.and_then(|value| value.as_table_mut()),
                    };
                    keep(inner, held.unwrap(), &needed);
                } else if !described.value().is_some_and(|(_, is_default)| is_default)
                    && !required.iter().any(|needed| needed == name)
                {
                    table.remove(name);
                }
            }
        }
        let settings = SchemaSettings::default().with(|settings| settings.inline_subschemas = true);
        let schema = settings.into_generator().into_root_schema_for::<RawConfig>();
        let mut table: toml::Table = uncommented().parse().unwrap();
        keep(schema.get("properties").unwrap().as_object().unwrap(), &mut table, &[]);
        table
    }

    /// What is written as the default is what comes about without the option.
    #[test]
    fn declared_defaults_are_the_defaults() {
        let mut table = declared_defaults();
        let mut take = |name: &str| table.remove(name).unwrap();

        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        let raw: RawOpenFga = take("openfga").try_into().unwrap();
        let bare = RawOpenFga { url: raw.url.clone(), store: raw.store.clone(), ..RawOpenFga::default() };
        assert_eq!(format!("{:?}", openfga::resolve(raw).unwrap()), format!("{:?}", openfga::resolve(bare).unwrap()));

        let raw: RawQdrant = take("qdrant").try_into().unwrap();
        let bare = RawQdrant { url: raw.url.clone(), ..RawQdrant::default() };
        assert_eq!(format!("{:?}", qdrant::resolve(raw).unwrap()), format!("{:?}", qdrant::resolve(bare).unwrap()));

        let raw: RawOtlp = take("otlp").try_into().unwrap();
        let bare = RawOtlp { endpoint: raw.endpoint.clone(), ..RawOtlp::default() };
        assert_eq!(format!("{:?}", otlp::resolve(raw).unwrap()), format!("{:?}", otlp::resolve(bare).unwrap()));

        let raw: Vec<RawEmbedder> = take("embedders").try_into().unwrap();
        let server = |raw: RawEmbedder| RawEmbedder {
            url: Some("http://127.0.0.1:1".to_owned()),
            model: Some("m".to_owned()),
            dimensions: Some(8),
            revision: None,
            ..raw
        };
        let bare = RawEmbedder { name: raw[0].name.clone(), kind: raw[0].kind.clone(), ..RawEmbedder::default() };
        let [raw, bare] = [raw[0].clone(), bare]
            .map(|raw| format!("{:?}", embedders::resolve(vec![server(raw)], Path::new("models")).unwrap()));
        assert_eq!(raw, bare);

        let raw: RawReranker = take("reranker").try_into().unwrap();
        let server = |raw| RawReranker { url: Some("http://127.0.0.1:1".to_owned()), revision: None, ..raw };
        let bare = RawReranker { kind: raw.kind.clone(), ..RawReranker::default() };
        let [raw, bare] =
            [raw, bare].map(|raw| format!("{:?}", reranker::resolve(server(raw), Path::new("models")).unwrap()));
        assert_eq!(raw, bare);

        let raw: Vec<RawIssuer> = take("issuers").try_into().unwrap();
        let bare = RawIssuer {
            issuer: raw[0].issuer.clone(),
            audience: raw[0].audience.clone(),
            algorithms: raw[0].algorithms.clone(),
            ..RawIssuer::default()
        };
        let [raw, bare] = [raw[0].clone(), bare].map(|raw| {
            let raw = RawIssuer { jwks_url: Some("https://id.example/keys".to_owned()), ..raw };
            let renewal = format!("{:?}", issuers::renewal(&raw).unwrap());
            let issuer = issuers::issuer(raw).unwrap();
            let flags = (issuer.subject_claim, issuer.actors_administer, issuer.max_life);
            (renewal, issuer.scopes, issuer.subject_types, flags)
        });
        assert_eq!(raw, bare);

        let raw: RawConfig = table.try_into().unwrap();
        assert_eq!(raw.limits.max_connections, Some(2_048), "the table was read");
        let [raw, bare] = [raw, RawConfig::default()].map(|raw| {
            let config = raw.resolve().unwrap();
            let caches = (config.mask_cache_bytes, config.reader_cache_bytes, config.drift_objects_per_s);
            let places = (config.data, config.listen, config.admin_listen, config.collection);
            format!("{:?}", (places, config.queries, config.limits, caches, config.email_case, config.log_json))
        });
        assert_eq!(raw, bare);
    }
}
