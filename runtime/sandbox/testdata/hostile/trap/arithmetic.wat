;; Each way in which arithmetic traps.
;;
;; upload: admitted
;; run Subscription.divideByZero: RESOLVER_TRAP "integer divide by zero"
;; run Subscription.remainderByZero: RESOLVER_TRAP "integer divide by zero"
;; run Subscription.divideOverflows: RESOLVER_TRAP "integer overflow"
;; run Subscription.divideOverflows64: RESOLVER_TRAP "integer overflow"
;; run Subscription.truncateNaN: RESOLVER_TRAP "invalid conversion to integer"
;; run Subscription.truncateInfinity: RESOLVER_TRAP "integer overflow"
;; run Subscription.truncateLarge: RESOLVER_TRAP "integer overflow"
;; run Subscription.unreachable: RESOLVER_TRAP "unreachable"
(module
  (@custom "runnel.schema"
    "type Subscription {\n"
    "divideByZero: String @on(channel: \"c\")\n"
    "remainderByZero: String @on(channel: \"c\")\n"
    "divideOverflows: String @on(channel: \"c\")\n"
    "divideOverflows64: String @on(channel: \"c\")\n"
    "truncateNaN: String @on(channel: \"c\")\n"
    "truncateInfinity: String @on(channel: \"c\")\n"
    "truncateLarge: String @on(channel: \"c\")\n"
    "unreachable: String @on(channel: \"c\")\n"
    "ok: String @on(channel: \"c\")\n"
    "}\n")
  (import "runnel_v1" "output" (func $output (param i32 i32)))
  (memory (export "memory") 1)
  (data (i32.const 16) "\"ok\"")
  (func (export "Subscription.divideByZero") (result i32) (local $zero i32)
    (i32.div_s (i32.const 1) (local.get $zero)))
  (func (export "Subscription.remainderByZero") (result i32) (local $zero i32)
    (i32.wrap_i64 (i64.rem_u (i64.const 1) (i64.extend_i32_u (local.get $zero)))))
  (func (export "Subscription.divideOverflows") (result i32) (local $zero i32)
    (i32.div_s (i32.const 0x80000000) (i32.sub (local.get $zero) (i32.const 1))))
  (func (export "Subscription.divideOverflows64") (result i32) (local $zero i32)
    (i32.wrap_i64 (i64.div_s (i64.const 0x8000000000000000) (i64.const -1))))
  (func (export "Subscription.truncateNaN") (result i32) (local $zero i32)
    (i32.trunc_f32_s (f32.const nan)))
  (func (export "Subscription.truncateInfinity") (result i32) (local $zero i32)
    (i32.trunc_f64_u (f64.const inf)))
  (func (export "Subscription.truncateLarge") (result i32) (local $zero i32)
    (i32.wrap_i64 (i64.trunc_f64_s (f64.const 1e300))))
  (func (export "Subscription.unreachable") (result i32) (local $zero i32)
    (unreachable))
  (func (export "Subscription.ok") (result i32)
    (call $output (i32.const 16) (i32.const 4))
    (i32.const 1)))
