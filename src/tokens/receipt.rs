//! Receipts: a signed statement of what was returned, to whom and when. `<payload>.<signature>`, both
//! base64url; the signature is Ed25519 (RFC 8032) over the payload's bytes.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ed25519_dalek::{Signer, SigningKey, Verifier};
use serde::{Deserialize, Serialize};

use crate::wire::{ReceiptKey, ReceiptKeys};

/// What a receipt states.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Receipt {
    pub version: u8,
    pub request_id: String,
    pub subjects: Vec<String>,
    pub as_of: String,
    pub items: Vec<ReceiptItem>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReceiptItem {
    pub chunk_id: String,
    pub content_hash: String,
}

/// Signs receipts with the instance's key.
#[derive(Clone)]
pub struct Receipts {
    key: SigningKey,
}

impl Receipts {
    pub fn new(secret: &[u8; 32]) -> Self {
        Self { key: SigningKey::from_bytes(secret) }
    }

    /// The public key, for whoever verifies receipts.
    pub fn public_keys(&self) -> ReceiptKeys {
        let public = *self.key.verifying_key().as_bytes();
        let name = blake3::hash(&public);
        let id = name.as_bytes().first_chunk::<12>().map(|id| URL_SAFE_NO_PAD.encode(id)).unwrap_or_default();
        ReceiptKeys { keys: vec![ReceiptKey::of(id, URL_SAFE_NO_PAD.encode(public))] }
    }

    pub fn sign(&self, receipt: &Receipt) -> String {
        // INVARIANT: a receipt holds only strings and a number, which always serialise.
        let payload = serde_json::to_vec(receipt).unwrap_or_default();
        let signature = self.key.sign(&payload);
        format!("{}.{}", URL_SAFE_NO_PAD.encode(&payload), URL_SAFE_NO_PAD.encode(signature.to_bytes()))
    }

    /// The statement, if this instance signed it.
    pub fn verify(&self, token: &str) -> Option<Receipt> {
        let (payload, signature) = token.split_once('.')?;
        let payload = URL_SAFE_NO_PAD.decode(payload).ok()?;
        let signature: [u8; 64] = URL_SAFE_NO_PAD.decode(signature).ok()?.try_into().ok()?;
        let signature = ed25519_dalek::Signature::from_bytes(&signature);
        self.key.verifying_key().verify(&payload, &signature).ok()?;
        serde_json::from_slice(&payload).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_changed_receipt_is_refused() {
        let receipts = Receipts::new(&[3; 32]);
        let receipt = Receipt {
            version: 1,
            request_id: "x".into(),
            subjects: vec!["user:anne".into()],
            as_of: "2026-01-01T00:00:00Z".into(),
            items: vec![ReceiptItem { chunk_id: "c_1".into(), content_hash: "b3:00".into() }],
        };
        let token = receipts.sign(&receipt);
        assert_eq!(receipts.verify(&token), Some(receipt));
        assert_eq!(Receipts::new(&[4; 32]).verify(&token), None);
        let forged = token.replacen('e', "f", 1);
        assert_eq!(receipts.verify(&forged), None);
    }
}
