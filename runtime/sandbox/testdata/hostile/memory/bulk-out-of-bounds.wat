;; Bulk operations past the end of memory, by 4 GiB, by one byte, and with ranges that wrap around;
;; those of nothing at the end are good.
;;
;; upload: admitted
;; run Subscription.fillAll: RESOLVER_TRAP "out of bounds memory access"
;; run Subscription.fillWraps: RESOLVER_TRAP "out of bounds memory access"
;; run Subscription.fillPast: RESOLVER_TRAP "out of bounds memory access"
;; run Subscription.fillNothing: RESOLVER_TRAP "out of bounds memory access"
;; run Subscription.copyAll: RESOLVER_TRAP "out of bounds memory access"
;; run Subscription.copyFrom: RESOLVER_TRAP "out of bounds memory access"
;; run Subscription.copyWraps: RESOLVER_TRAP "out of bounds memory access"
;; run Subscription.initPast: RESOLVER_TRAP "out of bounds memory access"
;; run Subscription.initAfterDrop: RESOLVER_TRAP "out of bounds memory access"
;; run Subscription.atEnd: skip
(module
  (@custom "runnel.schema"
    "type Subscription {\n"
    "fillAll: String @on(channel: \"c\")\n"
    "fillWraps: String @on(channel: \"c\")\n"
    "fillPast: String @on(channel: \"c\")\n"
    "fillNothing: String @on(channel: \"c\")\n"
    "copyAll: String @on(channel: \"c\")\n"
    "copyFrom: String @on(channel: \"c\")\n"
    "copyWraps: String @on(channel: \"c\")\n"
    "initPast: String @on(channel: \"c\")\n"
    "initAfterDrop: String @on(channel: \"c\")\n"
    "atEnd: String @on(channel: \"c\")\n"
    "ok: String @on(channel: \"c\")\n"
    "}\n")
  (import "runnel_v1" "output" (func $output (param i32 i32)))
  (memory (export "memory") 1)
  (data (i32.const 16) "\"ok\"")
  (data $segment "abc")
  (func (export "Subscription.fillAll") (result i32)
    (memory.fill (i32.const 0) (i32.const 1) (i32.const -1))
    (i32.const 0))
  (func (export "Subscription.fillWraps") (result i32)
    (memory.fill (i32.const -16) (i32.const 1) (i32.const 32))
    (i32.const 0))
  (func (export "Subscription.fillPast") (result i32)
    (memory.fill (i32.const 65535) (i32.const 1) (i32.const 2))
    (i32.const 0))
  (func (export "Subscription.fillNothing") (result i32)
    (memory.fill (i32.const 65537) (i32.const 1) (i32.const 0))
    (i32.const 0))
  (func (export "Subscription.copyAll") (result i32)
    (memory.copy (i32.const 0) (i32.const 0) (i32.const -1))
    (i32.const 0))
  (func (export "Subscription.copyFrom") (result i32)
    (memory.copy (i32.const 0) (i32.const 65535) (i32.const 2))
    (i32.const 0))
  (func (export "Subscription.copyWraps") (result i32)
    (memory.copy (i32.const -1) (i32.const 0) (i32.const 1))
    (i32.const 0))
  (func (export "Subscription.initPast") (result i32)
    (memory.init $segment (i32.const 64) (i32.const 1) (i32.const 3))
    (i32.const 0))
  (func (export "Subscription.initAfterDrop") (result i32)
    (data.drop $segment)
    (memory.init $segment (i32.const 64) (i32.const 0) (i32.const 1))
    (i32.const 0))
  (func (export "Subscription.atEnd") (result i32)
    (memory.fill (i32.const 65536) (i32.const 1) (i32.const 0))
    (memory.copy (i32.const 65536) (i32.const 65536) (i32.const 0))
    (memory.init $segment (i32.const 65536) (i32.const 3) (i32.const 0))
    (data.drop $segment)
    (data.drop $segment)
    (memory.init $segment (i32.const 65536) (i32.const 0) (i32.const 0))
    (i32.const 0))
  (func (export "Subscription.ok") (result i32)
    (call $output (i32.const 16) (i32.const 4))
    (i32.const 1)))
