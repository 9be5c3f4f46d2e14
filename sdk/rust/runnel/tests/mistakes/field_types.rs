#[runnel::module("objects.graphql")]
mod orders {
    use runnel::prelude::*;

    #[query]
    fn order(orders: Parents<Order>) -> Outcome<Order> { //~ only a resolver of a field of an object type has parents
        let _ = orders.read()?;
        let id = "o1".into();
        deliver(Order { id, customer: None }) //~ no field named `customer`
    }

    #[field("Order.customer")]
    fn customer(
        customers: Parents<Customer>, //~ the parents of this field are `Parents<orders::Order>`
        vip: Argument<Option<bool>>, //~ the schema declares this argument as `Argument<bool>`
        event: Event<Order>, //~ only a resolver of a Subscription field has an event
        bus: Bus, //~ only a resolver of a Mutation field may publish
    ) -> Resolved<Customer> {
        let _ = (vip.read()?, event.read()?, bus.publish("orders", "o1"));
        customers.read()?.each(|customer| Ok(customer.clone()))
    }

    #[field("Order.number")]
    fn number(orders: Parents<Order>) -> Resolved<Option<i32>> { //~ the schema declares this field as `i32` | the resolver delivers `Option<i32>`
        orders.read()?.each(|_| Ok(None))
    }

    #[field("Order.note")]
    fn note(orders: Parents<Order>) -> Outcome<String> { //~ mismatched types
        let _ = orders.read()?;
        skip()
    }

    #[field("Order.code")]
    fn code(orders: Parents<Order>) -> Resolved<String> {
        let orders = orders.read()?;
        if orders.len() > 10 {
            return skip(); //~ mismatched types
        }
        orders.each(|order| Ok(order.price)) //~ no field `price`
    }

    #[field("Order.label")]
    fn label(orders: Parents<Order>) -> Resolved<String> {
        let _ = orders.read()?;
        complete() //~ mismatched types
    }
}

#[runnel::module("objects.graphql")]
mod more {
    use runnel::prelude::*;

    #[query]
    fn order() -> Outcome<Order> {
        fail("none")
    }

    #[field("Order.number")]
    fn number(orders: Parents<Order>) { //~ a resolver of a field of an object type returns a Resolved
        let _ = orders.read();
    }

    #[field("Order.code")]
    fn code(orders: Parents<Order>) -> Resolved<String> {
        let values = Values(vec![Ok("one".to_owned())]); //~ private
        let _ = orders.read()?;
        Ok(values)
    }

    #[field("Order.note")]
    fn note(orders: Parents<Order>, first: Argument<i32>) -> Resolved<String> { //~ Order.note has no argument first; it declares: none
        let _ = first.read()?;
        orders.read()?.each(|_| fail("none"))
    }
}

fn main() {}
