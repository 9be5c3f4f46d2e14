//! Live orders: drafts go to nobody, and the note only to those who may see it.

/// The module. Its types are those of schema.graphql.
#[runnel::module("schema.graphql")]
pub mod orders {
    use runnel::prelude::*;

    /// Which orders reach a subscriber is declared in the schema; what they see
    /// of them is decided here.
    #[subscription]
    fn order_updated(event: Event<Order>, context: Context) -> Outcome<Order> {
        let mut order = event.read()?;
        if order.status == "DRAFT" {
            return skip();
        }
        if !context.permitted("orders:note") {
            order.note = None;
        }
        deliver(order)
    }
}

#[cfg(test)]
mod tests {
    use super::orders::{Order, order_updated};
    use runnel::testing::{Run, json};

    fn paid() -> Order {
        Order {
            id: "o1".into(),
            customer_id: "c1".into(),
            status: "PAID".into(),
            note: Some("ring twice".into()),
            ..Order::default()
        }
    }

    #[test]
    fn the_note_is_for_those_who_may_see_it() {
        let ran = Run::of::<order_updated>()
            .event(paid())
            .permission("orders:note")
            .run();
        assert_eq!(ran.delivered::<Order>(), paid());

        let ran = Run::of::<order_updated>().event(paid()).run();
        assert_eq!(ran.delivered::<Order>().note, None);
        assert_eq!(ran.reads(), ["event", "permitted orders:note"]);
    }

    #[test]
    fn drafts_go_to_nobody() {
        let draft = Order {
            status: "DRAFT".into(),
            ..paid()
        };
        let ran = Run::of::<order_updated>().event(draft).run();
        assert!(ran.skipped());
        assert_eq!(ran.reads(), ["event"], "who it is does not matter");
    }

    #[test]
    fn what_is_no_order_fails() {
        let event = json(r#"{"id": "o1", "customerId": "c1"}"#);
        let ran = Run::of::<order_updated>().event(event).run();
        assert_eq!(ran.failure().message, "event: status: missing");
    }
}
