//! Digests, base64 and exclusive or. Strings are used as UTF-8.

use base64::Engine as _;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig, general_purpose};
use hmac::{Hmac, KeyInit, Mac};
use md5::Md5;
use rhai::{Blob, Dynamic, Engine, INT, NativeCallContext};
use sha1::Sha1;
use sha2::{Digest, Sha256};

use super::{Outcome, failure, octets, type_name};

type Context<'a> = NativeCallContext<'a>;

pub(super) fn register(engine: &mut Engine) {
    engine
        .register_fn("crc32", |context: Context<'_>, x: Dynamic| -> Outcome<INT> {
            Ok(crc32fast::hash(&bytes(&context, "crc32", &x)?).into())
        })
        .register_fn("md5", |context: Context<'_>, x: Dynamic| digest::<Md5>(&context, "md5", &x))
        .register_fn("sha1", |context: Context<'_>, x: Dynamic| digest::<Sha1>(&context, "sha1", &x))
        .register_fn("sha256", |context: Context<'_>, x: Dynamic| digest::<Sha256>(&context, "sha256", &x))
        .register_fn("hmac_sha256", |context: Context<'_>, key: Dynamic, x: Dynamic| -> Outcome<Blob> {
            let key = bytes(&context, "hmac_sha256", &key)?;
            let mut mac = Hmac::<Sha256>::new_from_slice(&key).map_err(|fault| failure(fault.to_string()))?;
            mac.update(&bytes(&context, "hmac_sha256", &x)?);
            Ok(mac.finalize().into_bytes().to_vec())
        })
        .register_fn("xor", |context: Context<'_>, x: Dynamic, key: Dynamic| -> Outcome<Blob> {
            let key = match key.as_int().map(u8::try_from) {
                Ok(Ok(byte)) => vec![byte],
                Ok(Err(_)) => return Err(failure(format!("xor: {key} is not a number from 0 to 255"))),
                Err(_) => bytes(&context, "xor", &key)?,
            };
            if key.is_empty() {
                return Err(failure("xor: the key is empty"));
            }
            Ok(bytes(&context, "xor", &x)?.iter().zip(key.iter().cycle()).map(|(byte, key)| byte ^ key).collect())
        })
        .register_fn("b64", |blob: &mut Blob| general_purpose::STANDARD.encode(blob))
        .register_fn("b64", |text: &str| decode(text));
}

fn bytes(context: &Context<'_>, function: &str, value: &Dynamic) -> Outcome<Vec<u8>> {
    octets(value)
        .ok_or_else(|| failure(format!("{function} takes a blob or a string, not {}", type_name(context, value))))
}

fn digest<D: Digest>(context: &Context<'_>, function: &str, value: &Dynamic) -> Outcome<Blob> {
    Ok(D::digest(bytes(context, function, value)?).to_vec())
}

/// Decodes base64 of both alphabets, with or without padding and line breaks.
fn decode(text: &str) -> Outcome<Blob> {
    let plain: Vec<u8> = text
        .bytes()
        .filter(|byte| !byte.is_ascii_whitespace())
        .map(|byte| match byte {
            b'-' => b'+',
            b'_' => b'/',
            byte => byte,
        })
        .collect();
    let config = GeneralPurposeConfig::new()
        .with_decode_padding_mode(DecodePaddingMode::Indifferent)
        .with_decode_allow_trailing_bits(true);
    GeneralPurpose::new(&alphabet::STANDARD, config)
        .decode(plain)
        .map_err(|_| failure(format!("b64: {} is not base64", shortened(text))))
}

/// A text shortened for a message.
fn shortened(text: &str) -> String {
    let mut shown: String = text.chars().take(SHOWN).collect();
    if shown.len() < text.len() {
        shown.push('…');
    }
    format!("{shown:?}")
}

/// Maximum characters of an invalid text repeated in a message.
const SHOWN: usize = 40;
