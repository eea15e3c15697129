// SPDX-License-Identifier: Apache-2.0

//! Models from memory that they take over.

use core::ffi::c_void;
use sentiment_sys as sys;

use crate::error::Error;
use crate::model::Model;
use crate::options::{contain, ModelOptions};

/// Loads from memory that is dropped with the model.
pub(crate) fn load_owned<B>(options: &ModelOptions, bytes: B) -> Result<Model, Error>
where
    B: AsRef<[u8]> + Send + 'static,
{
    // Where they lie now they stay: an array moves with its owner.
    let owner = Box::into_raw(Box::new(bytes));
    // SAFETY: nobody else knows the box; nothing touches it before `release` gets it back.
    let data = unsafe { (*owner).as_ref() };
    let mut taken = false;
    // SAFETY: the bytes live and stay the same until `release`: the box alone can reach them,
    // and it is no more looked at. Send lets any thread drop it. Model::make lends valid
    // pointers.
    let loaded = Model::make(options, |options, model, error| unsafe {
        let status = sys::sentiment_model_load_borrowed(
            data.as_ptr().cast(),
            data.len(),
            Some(release::<B>),
            owner.cast(),
            options,
            model,
            error,
        );
        taken = status == sys::Status::OK;
        status
    });
    if !taken {
        // SAFETY: the library never calls `release` when it fails.
        drop(unsafe { Box::from_raw(owner) });
    }
    loaded
}

/// What the library calls when it no longer needs the bytes.
unsafe extern "C" fn release<B>(user: *mut c_void, _data: *const c_void, _size: usize) {
    // SAFETY: the box from above, which comes back once.
    contain(|| drop(unsafe { Box::from_raw(user.cast::<B>()) }));
}
