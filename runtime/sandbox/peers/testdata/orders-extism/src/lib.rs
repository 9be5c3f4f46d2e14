//! Live orders, as plugins/examples/orders-rust has them: drafts go to nobody,
//! and the note only to those who may see it.

use extism_pdk::{Error, FnResult, Json, ManagedMemory, Memory, plugin_fn};
use serde::{Deserialize, Serialize};

/// What an order is in the schema of orders-rust.
#[derive(Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
struct Order {
    id: String,
    customer_id: String,
    status: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    total: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    sent_at: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    note: Option<String>,
}

#[link(wasm_import_module = "extism:host/user")]
unsafe extern "C" {
    /// 1 where the subscriber holds the permission whose name lies there, else 0.
    fn permitted(name: u64) -> u64;
}

/// Without `host_fn`, which would have the answer come as bytes to be parsed.
fn is_permitted(permission: &str) -> Result<bool, Error> {
    let name = ManagedMemory::new(Memory::from_bytes(permission)?);
    // SAFETY: the host only reads the name.
    Ok(unsafe { permitted(name.offset()) } != 0)
}

/// The order as JSON; nothing for a draft.
#[plugin_fn]
pub fn order_updated(Json(mut order): Json<Order>) -> FnResult<Option<Json<Order>>> {
    if order.status == "DRAFT" {
        return Ok(None);
    }
    if !is_permitted("orders:note")? {
        order.note = None;
    }
    Ok(Some(Json(order)))
}
