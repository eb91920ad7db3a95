//! Measurements of both legs, not run with the tests:
//! `cargo test --release -p usher-index measure -- --ignored --nocapture --test-threads 1`, with
//! `USHER_MEASURE_CHUNKS` (200,000), `USHER_MEASURE_THREADS` (1) and `USHER_MEASURE_WIDTH_PER_DEPTH`. Ratios within one
//! run are what counts; times depend on the machine.

use std::time::{Duration, Instant};

use ::tantivy::collector::TopDocs;
use ::tantivy::query::{BooleanQuery, Occur, Query, TermQuery};
use ::tantivy::schema::{IndexRecordOption, Schema, TextFieldIndexing, TextOptions};
use ::tantivy::tokenizer::{PreTokenizedString, Token};
use ::tantivy::{Index, TantivyDocument, Term};
use simsimd::SpatialSimilarity;

use super::vectors::brute_force;
use super::world::{Clustered, key, mask};
use crate::scan::{Helpers, MaskedScan, ScanConfig};
use crate::{AnalysedQuery, ChunkMask, KeywordIndex, KeywordOp, TantivyKeywords, Tokens, VectorStore, Work};
use usher_support::Random;

const DIMENSIONS: usize = 384;
const QUERIES: usize = 60;
/// Share of readable chunks, and the longest run of chunks of one audience.
const READERS: [(f64, u64); 8] =
    [(1.0, 1), (0.5, 1), (0.5, 400), (0.1, 1), (0.1, 400), (0.01, 1), (0.01, 400), (0.001, 1)];

fn chunks() -> u32 {
    setting("USHER_MEASURE_CHUNKS", 200_000) as u32
}

/// The 10th, 50th and 95th percentile in milliseconds. On a busy machine the first says most about the code.
fn percentiles(mut times: Vec<Duration>) -> [f64; 3] {
    times.sort_unstable();
    [0.1, 0.5, 0.95].map(|share| times[((times.len() - 1) as f64 * share) as usize].as_secs_f64() * 1e3)
}

fn setting(name: &str, default: usize) -> usize {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(default)
}

fn timed<T>(times: &mut Vec<Duration>, run: impl FnOnce() -> T) -> T {
    let start = Instant::now();
    let result = run();
    times.push(start.elapsed());
    result
}

#[test]
#[ignore = "a measurement, for release builds"]
fn measure_vectors() {
    let count = chunks();
    let mut world = Clustered::new(31, DIMENSIONS, (count as usize / 200).max(10));
    let rows = world.rows(count as usize);
    let queries: Vec<Vec<f32>> = (0..QUERIES).map(|_| world.query(&rows)).collect();
    let folder = tempfile::tempdir().unwrap();
    let open = |expected| {
        let config = ScanConfig {
            helpers: Helpers::new(setting("USHER_MEASURE_THREADS", 1) - 1),
            sign_width_per_depth: setting("USHER_MEASURE_WIDTH_PER_DEPTH", ScanConfig::default().sign_width_per_depth),
            ..ScanConfig::default()
        };
        MaskedScan::open(folder.path(), DIMENSIONS, expected, config, &usher_base::progress::Progress::default())
            .unwrap()
            .store
    };
    let store = open(0);
    let start = Instant::now();
    for (first, batch) in (0u32..).step_by(1_000).zip(rows.chunks(1_000 * DIMENSIONS)) {
        store.append(first, batch).unwrap();
    }
    let appended = start.elapsed();
    drop(store);
    let start = Instant::now();
    let store = open(count);
    println!("{count} chunks, appended in {appended:.1?}, opened and verified in {:.2?}", start.elapsed());
    let mut random = Random::new(32);
    println!(
        "| readable | run | depth | p10 ms | p50 ms | p95 ms | p10 / full | brute f32 ms | recall@depth (worst) | recall@10 | codes, bytes, vectors |"
    );
    for depth in [10, 100] {
        let mut full = 0.0;
        for (share, run) in READERS {
            let mask = mask(&mut random, count, share, run);
            let (mut ours, mut brute) = (Vec::new(), Vec::new());
            let (mut recall, mut recall_10, mut worst, mut work) = (0.0, 0.0, 1.0f64, Work::default());
            let search =
                |query: &[f32], work: &mut Work| store.search(query, &mask, &depth.into(), &key, work).unwrap();
            queries.iter().take(5).for_each(|query| drop(search(query, &mut Work::default())));
            let answers: Vec<_> = queries.iter().map(|query| timed(&mut ours, || search(query, &mut work))).collect();
            for (query, found) in queries.iter().zip(&answers) {
                let expected = brute_force(&rows, DIMENSIONS, query, &mask, depth, key);
                let share = |top: usize| {
                    let top = top.min(expected.len());
                    expected[..top].iter().filter(|hit| found.contains(hit)).count() as f64 / top.max(1) as f64
                };
                recall += share(depth) / QUERIES as f64;
                recall_10 += share(10) / QUERIES as f64;
                worst = worst.min(share(depth));
            }
            for query in queries.iter().take(10) {
                let rough = timed(&mut brute, || {
                    mask.iter()
                        .filter_map(|row| f32::dot(query, &rows[row as usize * DIMENSIONS..][..DIMENSIONS]))
                        .fold(0.0, f64::max)
                });
                assert!(rough > 0.0);
            }
            let [p10, p50, p95] = percentiles(ours);
            full = if share == 1.0 { p10 } else { full };
            let each = QUERIES as u64;
            println!(
                "| {share} | {run} | {depth} | {p10:.3} | {p50:.3} | {p95:.3} | {:.2} | {:.2} | {recall:.4} ({worst:.2}) | {recall_10:.4} | {}, {}, {} |",
                p10 / full,
                percentiles(brute)[0],
                work.codes_scanned / each,
                work.bytes_scanned / each,
                work.vectors_scored / each,
            );
        }
    }
}

/// Words by Zipf's law over 200,000, as numbers.
fn word(random: &mut Random) -> u32 {
    200_000.0f64.powf(random.unit()) as u32
}

#[test]
#[ignore = "a measurement, for release builds"]
fn measure_keywords() {
    let count = chunks();
    let mut random = Random::new(33);
    let mut text = || -> Vec<String> {
        let length = (180.0 * (f64::from(random.normal()) * 0.5).exp()) as u32;
        (0..length).map(|_| format!("w{}", word(&mut random))).collect()
    };
    let folder = tempfile::tempdir().unwrap();
    let index = TantivyKeywords::create(folder.path(), "simple").unwrap();
    let mut schema = Schema::builder();
    let indexing = TextFieldIndexing::default().set_index_option(IndexRecordOption::WithFreqs);
    let field = schema.add_text_field("text", TextOptions::default().set_indexing_options(indexing));
    let plain = Index::create_in_ram(schema.build());
    let mut writer = plain.writer_with_num_threads(1, 200 << 20).unwrap();
    let mut kept: Vec<Vec<String>> = Vec::new();
    let mut ours = Duration::ZERO;
    for (position, first) in (1u64..).zip((0..count).step_by(2_000)) {
        let texts: Vec<Vec<String>> = (0..2_000.min(count - first)).map(|_| text()).collect();
        for tokens in &texts {
            let tokens = tokens.iter().map(|word| Token { text: word.clone(), position: 0, ..Token::default() });
            let mut document = TantivyDocument::new();
            document
                .add_pre_tokenized_text(field, PreTokenizedString { text: String::new(), tokens: tokens.collect() });
            writer.add_document(document).unwrap();
        }
        kept.extend(texts.iter().take(3).cloned());
        let operations: Vec<KeywordOp> = (first..)
            .zip(texts)
            .map(|(chunk, tokens)| KeywordOp::Add {
                chunk,
                tokens: Tokens::of_words(tokens.iter().map(|word| &**word)),
            })
            .collect();
        let start = Instant::now();
        index.apply(&operations, position).unwrap();
        ours += start.elapsed();
    }
    writer.commit().unwrap();
    let merge = |writer: &mut ::tantivy::IndexWriter| {
        let segments = plain.searchable_segment_ids().unwrap();
        if segments.len() > 1 {
            writer.merge(&segments).wait().unwrap();
        }
    };
    merge(&mut writer);
    index.compact().unwrap();
    drop(index);
    let start = Instant::now();
    let index = TantivyKeywords::open(folder.path(), "simple").unwrap();
    println!("{count} chunks, applied in {ours:.1?}, opened and verified in {:.2?}", start.elapsed());
    let mut random = Random::new(34);
    let queries: Vec<AnalysedQuery> = (0..400)
        .map(|at| {
            let target = &kept[random.below(kept.len() as u64) as usize];
            // By idf: of each three words of the chunk the rarest.
            let mut terms: Vec<String> = (0..2 + random.below(4))
                .map(|_| {
                    let mut pick = || &target[random.below(target.len() as u64) as usize];
                    [pick(), pick(), pick()]
                        .into_iter()
                        .max_by_key(|word| word.strip_prefix('w').unwrap().parse::<u32>().unwrap())
                        .unwrap()
                        .clone()
                })
                .collect();
            terms.extend((at % 3 == 0).then(|| format!("w{}", 1 + random.below(20))));
            AnalysedQuery::of_words(terms.iter().map(|term| &**term))
        })
        .collect();
    let searcher = plain.reader().unwrap().searcher();
    let (mut pruned, mut random) = (Vec::new(), Random::new(35));
    for warm in [true, false] {
        for query in &queries {
            let terms = query.terms().iter().map(|term| {
                let query = TermQuery::new(Term::from_field_text(field, &term.spelling), IndexRecordOption::WithFreqs);
                (Occur::Should, Box::new(query) as Box<dyn Query>)
            });
            let query = BooleanQuery::new(terms.collect());
            let found =
                timed(&mut pruned, || searcher.search(&query, &TopDocs::with_limit(100).order_by_score()).unwrap());
            assert!(!found.is_empty());
        }
        if warm {
            pruned.clear();
        }
    }
    let [p10, p50, p95] = percentiles(pruned);
    println!("the engine's own search, everything readable, pruned: p10 {p10:.3} ms, p50 {p50:.3} ms, p95 {p95:.3} ms");
    println!(
        "| readable | run | p10 ms | p50 ms | p95 ms | / pruned p10 | / pruned p50 | / pruned p95 | postings, chunks scored |"
    );
    for (share, run) in READERS {
        let mask: ChunkMask = mask(&mut random, count, share, run);
        let (mut times, mut work) = (Vec::new(), Work::default());
        for query in queries.iter().take(50).chain(&queries) {
            timed(&mut times, || index.search(query, &mask, &100.into(), &key, &mut work).unwrap());
        }
        let [ours_10, ours_50, ours_95] = percentiles(times.split_off(50));
        let each = queries.len() as u64 + 50;
        println!(
            "| {share} | {run} | {ours_10:.3} | {ours_50:.3} | {ours_95:.3} | {:.2} | {:.2} | {:.2} | {}, {} |",
            ours_10 / p10,
            ours_50 / p50,
            ours_95 / p95,
            work.postings_read / each,
            work.chunks_scored / each,
        );
    }
}
