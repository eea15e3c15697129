// SPDX-License-Identifier: Apache-2.0

//! What the Rust binding costs over C; the protocol is that of c_bench.c.
//!
//!     rust_bench MODEL single ROUNDS        {"single": seconds a call of predict}
//!     rust_bench MODEL batch FILE ROUNDS    {"batch": seconds of predict_batch over the lines}
//!
//! Medians over the rounds; a round of `single` is 20,000 calls with a short text.

use std::error::Error;
use std::hint::black_box;
use std::time::Instant;

use sentiment::{Model, Session};

const CALLS: u32 = 20_000;
const TEXT: &str = "word_1 word_2 word_3";

/// Median seconds of some rounds, after one that warms up.
fn measure(
    rounds: usize,
    mut round: impl FnMut() -> Result<(), sentiment::Error>,
) -> Result<f64, Box<dyn Error>> {
    round()?;
    let mut seconds = Vec::new();
    for _ in 0..rounds {
        let start = Instant::now();
        round()?;
        seconds.push(start.elapsed().as_secs_f64());
    }
    seconds.sort_by(f64::total_cmp);
    Ok(*seconds.get(rounds / 2).ok_or("no rounds")?)
}

fn single(session: &mut Session, rounds: usize) -> Result<(), Box<dyn Error>> {
    let seconds = measure(rounds, || {
        for _ in 0..CALLS {
            black_box(session.predict(black_box(TEXT))?);
        }
        Ok(())
    })?;
    println!("{{\"single\": {:e}}}", seconds / f64::from(CALLS));
    Ok(())
}

fn batch(session: &mut Session, file: &str, rounds: usize) -> Result<(), Box<dyn Error>> {
    let file = std::fs::read_to_string(file)?;
    let texts: Vec<&str> = file.lines().collect();
    let seconds = measure(rounds, || {
        black_box(session.predict_batch(black_box(&texts))?);
        Ok(())
    })?;
    println!("{{\"batch\": {seconds:e}}}");
    Ok(())
}

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match words[..] {
        [model, "single", rounds] => single(&mut Model::load(model)?.session()?, rounds.parse()?),
        [model, "batch", file, rounds] => {
            batch(&mut Model::load(model)?.session()?, file, rounds.parse()?)
        }
        _ => Err("usage: rust_bench MODEL single ROUNDS | batch FILE ROUNDS".into()),
    }
}
