use super::*;

fn analyser(name: &str) -> Analyser {
    Analyser::by_name(name).unwrap()
}

fn tokens(analyser: &Analyser, text: &str) -> Tokens {
    analyser.tokens(&[text], analyser.language_of(text))
}

fn forms_of(name: &str, text: &str) -> Vec<String> {
    tokens(&analyser(name), text).terms.into_iter().map(|token| token.form).collect()
}

/// Whether the query finds the text, by the definition.
fn finds(analyser: &Analyser, query: &str, text: &Tokens) -> bool {
    let query = analyser.query(query);
    let holds = |phrase: &Phrase| {
        text.terms.iter().any(|first| {
            phrase.words.iter().all(|word| {
                text.terms.iter().any(|token| {
                    token.position == first.position + word.offset
                        && word.forms.contains(&token.form)
                        && folded(&token.spelling) == word.folded
                })
            })
        })
    };
    let any = query.terms().iter().any(|term| text.terms.iter().any(|token| term.forms.contains(&token.form)));
    any && query.phrases().iter().all(holds)
}

#[test]
fn names_are_those_of_the_api() {
    assert!(Analyser::names().eq(usher_base::wire::bounds::ANALYSERS));
    assert!(Analyser::by_name("klingon").is_none() && Analyser::by_name("English").is_none());
    for name in Analyser::names() {
        assert_eq!(analyser(name).name(), name);
        assert!(!forms_of(name, "word слово 単語 λόγος").is_empty());
    }
}

/// What people type, in many languages and spellings, and what they must not find by it.
#[test]
fn words_are_found_as_people_type_them() {
    let (mut wrong, mut checked) = (Vec::new(), 0);
    for line in include_str!("cases.tsv").lines().filter(|line| !line.starts_with('#')) {
        let columns: Vec<&str> = line.split('\t').collect();
        let [name, text, found, not_found] = columns.as_slice() else { panic!("{line}") };
        let analyser = analyser(name);
        let tokens = tokens(&analyser, text);
        for (queries, expected) in [(found, true), (not_found, false)] {
            for query in queries.split(" | ") {
                checked += 1;
                if finds(&analyser, query, &tokens) != expected {
                    wrong.push(format!("{query:?} in {text:?} should be found: {expected}"));
                }
            }
        }
    }
    assert!(checked > 180, "{checked}");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn plain_ascii_words_are_lower_case_words() {
    assert_eq!(
        forms_of("simple", "The quick Brown fox, 42 times!"),
        [":the", ":quick", ":brown", ":fox", ":42", ":times"]
    );
    assert!(forms_of("simple", "  \t\n -- ... !?").is_empty());
    assert_eq!(tokens(&analyser("simple"), "a max_queue_length b").length, 5);
}

#[test]
fn a_language_is_that_of_the_text_or_english() {
    let code = |text: &str| analyser("auto").language_of(text).map(|language| language.code);
    let mut codes: Vec<&str> = include_str!("cases.tsv")
        .lines()
        .filter_map(|line| code(line.strip_prefix("auto\t")?.split('\t').next()?))
        .collect();
    codes.sort_unstable();
    let expected = ["ar", "da", "de", "el", "en", "es", "fi", "fr", "hu", "it", "nl", "pt", "ru", "sv", "tr"];
    assert_eq!(codes, expected);
    assert_eq!(code("Häuser"), Some("en"));
    let other =
        "Працівники повинні подавати заяви на відпустку не пізніше ніж за два тижні до його початку, кожного року.";
    assert_eq!(code(other), None);
}

#[test]
fn places_are_those_of_the_words() {
    let tokens = tokens(&analyser("simple"), "x max_queue e-mail 東京都");
    let places: Vec<(&str, &str, u32)> =
        tokens.terms.iter().map(|token| (&*token.form, &*token.spelling, token.position)).collect();
    let expected = [
        (":x", "x", 0),
        (":maxqueue", "max_queue", 1),
        (":max", "max", 1),
        (":queue", "queue", 2),
        (":e", "e", 3),
        (":email", "e-mail", 3),
        (":mail", "mail", 4),
        (":東京", "東京", 5),
        (":東", "東", 5),
        (":京都", "京都", 6),
        (":京", "京", 6),
        (":都", "都", 7),
    ];
    assert_eq!(places, expected);
    assert_eq!(tokens.length, 7);
}

#[test]
fn a_language_stems_and_keeps_the_spelling() {
    assert_eq!(
        forms_of("english", "Running runners RUN quickly 42"),
        ["en:run", "en:runner", "en:run", "en:quick", ":42"]
    );
    assert_eq!(forms_of("german", "Häuser Haus"), ["de:haus", "de:haus"]);
    let tokens = tokens(&analyser("english"), "Running");
    assert_eq!((&*tokens.terms[0].form, &*tokens.terms[0].spelling), ("en:run", "running"));
}

#[test]
fn long_tokens_are_cut_at_a_character() {
    let long = tokens(&analyser("simple"), &format!("a{}", "é".repeat(100)));
    assert_eq!(long.terms[0].spelling, format!("a{}", "é".repeat(31)));
    assert_eq!(long.terms[0].form.len(), 64);
    assert_eq!(tokens(&analyser("simple"), &"x ".repeat(10_000)).terms.len(), 10_000);
}

#[test]
fn stop_words_never_empty_a_query() {
    let spellings = |name: &str, text: &str| -> Vec<(String, u32)> {
        analyser(name).query(text).terms().iter().map(|term| (term.spelling.clone(), term.count)).collect()
    };
    let of = |words: &[(&str, u32)]| -> Vec<(String, u32)> {
        words.iter().map(|(word, count)| ((*word).to_owned(), *count)).collect()
    };
    assert_eq!(spellings("english", "What is the wing of the plane, the wing?"), of(&[("wing", 2), ("plane", 1)]));
    assert_eq!(spellings("english", "to be or not to be"), of(&[("to", 2), ("be", 2), ("or", 1), ("not", 1)]));
    assert_eq!(spellings("english", "who runs IT"), of(&[("runs", 1), ("it", 1)]));
    assert!(analyser("simple").query("?!").is_empty());
    // A stop word of one language is a word of another.
    let forms = analyser("auto").query("die Katze").terms()[0].forms.clone();
    assert!(!forms.contains(&"de:die".to_owned()) && forms.contains(&"en:die".to_owned()));
}

#[test]
fn quotation_marks_come_in_pairs() {
    let phrases = |text: &str| analyser("simple").query(text).phrases().len();
    assert_eq!(phrases("a \"b c\" d"), 1);
    assert_eq!(phrases("“b c” „d e“ «f g» »h i«"), 4);
    assert_eq!(phrases("a 5\" pipe"), 0);
    assert_eq!(phrases("\"\" “?” \"x"), 0);
    assert_eq!((phrases(&format!("\"b\"{}", " a".repeat(15))), phrases(&format!("\"b\"{}", " a".repeat(16)))), (1, 0));
    let query = analyser("simple").query("\"max_queue_length 東京都\"");
    let offsets: Vec<u32> = query.phrases()[0].words.iter().map(|word| word.offset).collect();
    assert_eq!(offsets, [0, 1, 2, 3, 4]);
}

#[test]
fn a_text_of_any_kind_has_words_in_order() {
    let mut random = usher_support::Random::new(41);
    let all: Vec<char> = "aB1.':,;_- éßİ’\u{200b}\u{300}東가กក\"#+/@".chars().collect();
    for _ in 0..20_000 {
        let text: String = (0..random.below(14)).map(|_| all[random.below(all.len() as u64) as usize]).collect();
        let tokens = tokens(&analyser("simple"), &text);
        assert!(tokens.terms.is_sorted_by_key(|token| token.position), "{text:?}");
        assert!(
            tokens.terms.iter().all(|token| token.form.len() > 1 && !token.spelling.is_empty()),
            "{text:?} {tokens:?}"
        );
        let query = analyser("simple").query(&text);
        // What was written is found by itself, and with it.
        assert!(tokens.terms.is_empty() || finds(&analyser("simple"), &text.replace('"', " "), &tokens), "{text:?}");
        assert_eq!(tokens.terms.is_empty(), query.is_empty(), "{text:?}");
    }
}
