#[runnel::module("objects.graphql")]
mod orders {
    use runnel::prelude::*;

    #[query]
    fn order() -> Outcome<Order> {
        fail("none")
    }

    #[field("Order.custmer")] //~ the schema declares no field Order.custmer; of Order it declares: id, customer, number, note, code, label
    fn misspelt(orders: Parents<Order>) -> Resolved<Customer> {
        orders.read()?.each(|_| fail("none"))
    }

    #[field("Ordr.customer")] //~ the schema declares no type Ordr
    fn stray(orders: Parents<Order>) -> Resolved<Customer> {
        orders.read()?.each(|_| fail("none"))
    }

    #[field("Named.name")] //~ Named is an interface; only fields of a type have resolvers
    fn of_interface(named: Parents<Named>) -> Resolved<String> {
        named.read()?.each(|_| fail("none"))
    }

    #[field("Query.order")] //~ mark resolvers of Query with #[query]
    fn of_root() -> Outcome<Order> {
        fail("none")
    }

    #[field] //~ say which field is meant: #[field("Order.customer")]
    fn unnamed(orders: Parents<Order>) -> Resolved<Customer> {
        orders.read()?.each(|_| fail("none"))
    }

    #[field("customer")] //~ say which field is meant: #[field("Order.customer")]
    fn half_named(orders: Parents<Order>) -> Resolved<Customer> {
        orders.read()?.each(|_| fail("none"))
    }

    #[field("Order.number")]
    fn number(orders: Parents<Order>) -> Resolved<i32> {
        orders.read()?.each(|_| Ok(1))
    }

    #[field("Order.number")]
    fn number_again(orders: Parents<Order>) -> Resolved<i32> { //~ Order.number has two resolvers
        orders.read()?.each(|_| Ok(2))
    }
}

fn main() {}
