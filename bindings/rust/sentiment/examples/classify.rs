// SPDX-License-Identifier: Apache-2.0

//! Classifies the lines of standard input: `cargo run --example classify <texts.txt`.

use std::error::Error;
use std::io::{BufRead, Write};

use sentiment::{Model, SessionOptions, Utf8Policy};

fn main() -> Result<(), Box<dyn Error>> {
    let model = Model::default_model()?;
    let options = SessionOptions::new()
        .all_threads()
        .utf8_policy(Utf8Policy::REPLACE);
    let mut session = options.open(&model)?;
    // Bytes, not strings: a line that is not UTF-8 gets an answer too. Reading ends at a failure.
    let lines = std::io::stdin().lock().split(b'\n').map_while(Result::ok);
    let mut out = std::io::BufWriter::new(std::io::stdout().lock());
    for answer in session.predict_iter(lines) {
        let answer = answer?;
        writeln!(out, "{}\t{:.3}", answer.label(), answer.confidence())?;
    }
    out.flush()?;
    Ok(())
}
