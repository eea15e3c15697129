// SPDX-License-Identifier: Apache-2.0

//! How a model is saved.

use std::fmt::Write;
use std::path::Path;
use std::ptr;

use sentiment_sys as sys;
use sys::Format;

use crate::cancel::CancelToken;
use crate::error::{call, Error};
use crate::library;
use crate::model::Model;

/// How to save a model. Nothing set means what the name of the file says.
///
/// ```
/// use sentiment::{Model, SaveOptions};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let folder = std::env::temp_dir().join(format!("sentiment-save-{}", std::process::id()));
/// # std::fs::create_dir_all(&folder)?;
/// let model = Model::default_model()?;
/// let path = folder.join("named.safetensors");
/// SaveOptions::new().metadata("name", "my model").save(&model, &path)?;
/// assert_eq!(Model::load(&path)?.metadata_value("name").as_deref(), Some("my model"));
/// # std::fs::remove_dir_all(&folder)?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
#[must_use = "options do nothing until a model is saved with them"]
pub struct SaveOptions {
    format: Format,
    metadata: Vec<(String, String)>,
    lineage: Option<String>,
    opset: u32,
    cancel: Option<CancelToken>,
}

impl Default for SaveOptions {
    fn default() -> Self {
        Self {
            format: Format::AUTO,
            metadata: Vec::new(),
            lineage: None,
            opset: 0,
            cancel: None,
        }
    }
}

impl SaveOptions {
    /// The defaults.
    pub fn new() -> Self {
        Self::default()
    }

    /// The format, whatever the name says.
    pub fn format(mut self, format: Format) -> Self {
        self.format = format;
        self
    }

    /// A string that joins the model's metadata and replaces what its key had.
    pub fn metadata(mut self, key: impl Into<String>, value: impl Into<String>) -> Self {
        self.metadata.push((key.into(), value.into()));
        self
    }

    /// A JSON object that joins the model's lineage as its newest step, such as
    /// `{"action":"convert"}`.
    pub fn lineage_json(mut self, json: impl Into<String>) -> Self {
        self.lineage = Some(json.into());
        self
    }

    /// ONNX: version of the operator set, 11 to 20; 17 by default.
    pub fn opset(mut self, opset: u32) -> Self {
        self.opset = opset;
        self
    }

    /// A token that stops the writing.
    pub fn cancel(mut self, token: &CancelToken) -> Self {
        self.cancel = Some(token.clone());
        self
    }

    /// Saves a model; see [`Model::save`].
    pub fn save(&self, model: &Model, path: impl AsRef<Path>) -> Result<(), Error> {
        let path = library::c_path(path.as_ref())?;
        let metadata = match self.metadata.is_empty() {
            true => None,
            false => Some(library::c_string(
                json_object(&self.metadata),
                "the metadata",
            )?),
        };
        let lineage = match &self.lineage {
            None => None,
            Some(json) => Some(library::c_string(json.as_str(), "the lineage")?),
        };
        let raw = sys::SaveOptions {
            format: self.format,
            metadata_json: metadata.as_ref().map_or(ptr::null(), |json| json.as_ptr()),
            lineage_json: lineage.as_ref().map_or(ptr::null(), |json| json.as_ptr()),
            cancel: CancelToken::as_ptr(&self.cancel),
            opset: self.opset,
            ..sys::SaveOptions::new()
        };
        // SAFETY: @threadsafe; model, strings and options live through the call.
        call(|error| unsafe {
            sys::sentiment_model_save(model.as_ptr(), path.as_ptr(), &raw, error)
        })
    }
}

/// A JSON object of strings; of equal keys the last one counts.
fn json_object(pairs: &[(String, String)]) -> String {
    let mut json = String::from("{");
    for (number, (key, value)) in pairs.iter().enumerate() {
        if pairs[number + 1..].iter().any(|(later, _)| later == key) {
            continue;
        }
        if json.len() > 1 {
            json.push(',');
        }
        json_string(&mut json, key);
        json.push(':');
        json_string(&mut json, value);
    }
    json.push('}');
    json
}

fn json_string(json: &mut String, text: &str) {
    json.push('"');
    for letter in text.chars() {
        match letter {
            '"' | '\\' => json.extend(['\\', letter]),
            '\0'..='\x1f' => write!(json, "\\u{:04x}", u32::from(letter)).unwrap_or_default(),
            _ => json.push(letter),
        }
    }
    json.push('"');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json() {
        let pair = |key: &str, value: &str| (key.to_string(), value.to_string());
        assert_eq!(json_object(&[]), "{}");
        assert_eq!(
            json_object(&[pair("a", "1"), pair("b\"\\", "\n\0 é"), pair("a", "2")]),
            "{\"b\\\"\\\\\":\"\\u000a\\u0000 é\",\"a\":\"2\"}"
        );
    }
}
