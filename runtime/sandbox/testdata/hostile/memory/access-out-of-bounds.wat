;; Loads and stores whose address and offset add up to more than memory has, to more than 4 GiB, or
;; to a little once the sum has wrapped around.
;;
;; upload: admitted
;; run Subscription.i32: RESOLVER_TRAP "out of bounds memory access"
;; run Subscription.i64: RESOLVER_TRAP "out of bounds memory access"
;; run Subscription.f64: RESOLVER_TRAP "out of bounds memory access"
;; run Subscription.byte: RESOLVER_TRAP "out of bounds memory access"
;; run Subscription.straddling: RESOLVER_TRAP "out of bounds memory access"
;; run Subscription.vector: RESOLVER_TRAP "out of bounds memory access"
;; run Subscription.lane: RESOLVER_TRAP "out of bounds memory access"
;; run Subscription.splat: RESOLVER_TRAP "out of bounds memory access"
;; run Subscription.store: RESOLVER_TRAP "out of bounds memory access"
;; run Subscription.storeByte: RESOLVER_TRAP "out of bounds memory access"
;; run Subscription.storeFloat: RESOLVER_TRAP "out of bounds memory access"
;; run Subscription.storeVector: RESOLVER_TRAP "out of bounds memory access"
(module
  (@custom "runnel.schema"
    "type Subscription {\n"
    "i32: String @on(channel: \"c\")\n"
    "i64: String @on(channel: \"c\")\n"
    "f64: String @on(channel: \"c\")\n"
    "byte: String @on(channel: \"c\")\n"
    "straddling: String @on(channel: \"c\")\n"
    "vector: String @on(channel: \"c\")\n"
    "lane: String @on(channel: \"c\")\n"
    "splat: String @on(channel: \"c\")\n"
    "store: String @on(channel: \"c\")\n"
    "storeByte: String @on(channel: \"c\")\n"
    "storeFloat: String @on(channel: \"c\")\n"
    "storeVector: String @on(channel: \"c\")\n"
    "ok: String @on(channel: \"c\")\n"
    "}\n")
  (import "runnel_v1" "output" (func $output (param i32 i32)))
  (memory (export "memory") 1)
  (data (i32.const 16) "\"ok\"")
  (func (export "Subscription.i32") (result i32)
    (drop (i32.load offset=0xffffffff (i32.const -1)))
    (i32.const 0))
  (func (export "Subscription.i64") (result i32)
    (drop (i64.load offset=0xffffffff (i32.const 1)))
    (i32.const 0))
  (func (export "Subscription.f64") (result i32)
    (drop (f64.load offset=0xfffffff8 (i32.const -1)))
    (i32.const 0))
  (func (export "Subscription.byte") (result i32)
    (drop (i32.load8_u offset=65536 (i32.const 0)))
    (i32.const 0))
  (func (export "Subscription.straddling") (result i32)
    (drop (i64.load (i32.const 65529)))
    (i32.const 0))
  (func (export "Subscription.vector") (result i32)
    (drop (v128.load offset=0xffffffff (i32.const -1)))
    (i32.const 0))
  (func (export "Subscription.lane") (result i32)
    (drop (v128.load64_lane offset=0xffffffff 1 (i32.const -1) (v128.const i64x2 0 0)))
    (i32.const 0))
  (func (export "Subscription.splat") (result i32)
    (drop (v128.load8_splat offset=0xffff0000 (i32.const 0x10000)))
    (i32.const 0))
  (func (export "Subscription.store") (result i32)
    (i32.store offset=0xffffffff (i32.const -1) (i32.const 1))
    (i32.const 0))
  (func (export "Subscription.storeByte") (result i32)
    (i64.store8 offset=0xffffffff (i32.const -1) (i64.const 1))
    (i32.const 0))
  (func (export "Subscription.storeFloat") (result i32)
    (f32.store (i32.const 65533) (f32.const 1))
    (i32.const 0))
  (func (export "Subscription.storeVector") (result i32)
    (v128.store offset=0xfffffff0 (i32.const 0x10) (v128.const i64x2 0 0))
    (i32.const 0))
  (func (export "Subscription.ok") (result i32)
    (call $output (i32.const 16) (i32.const 4))
    (i32.const 1)))
