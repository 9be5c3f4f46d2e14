;; Names of 100 KB, which are those of nothing, and of 1,024 bytes.
;;
;; upload: admitted
;; run Subscription.f: skip
;; run Subscription.burn: FUEL_EXHAUSTED fuelPerRun "all of its 10000000 units of fuel are used"
(module
  (@custom "runnel.schema"
    "type Subscription {\n"
    "f: String @on(channel: \"c\")\n"
    "burn: String @on(channel: \"c\")\n"
    "ok: String @on(channel: \"c\")\n"
    "}\n")
  (import "runnel_v1" "argument" (func $argument (param i32 i32 i32 i32) (result i32)))
  (import "runnel_v1" "claim" (func $claim (param i32 i32 i32 i32) (result i32)))
  (import "runnel_v1" "permitted" (func $permitted (param i32 i32) (result i32)))
  (import "runnel_v1" "output" (func $output (param i32 i32)))
  (memory (export "memory") 2)
  (data (i32.const 16) "\"ok\"")
  (func $ask (param $size i32) (result i32)
    (i32.or
      (i32.add (i32.const 1) (call $argument (i32.const 1024) (local.get $size) (i32.const 64) (i32.const 64)))
      (i32.or
        (i32.add (i32.const 1) (call $claim (i32.const 1024) (local.get $size) (i32.const 64) (i32.const 64)))
        (call $permitted (i32.const 1024) (local.get $size)))))
  (func (export "Subscription.f") (result i32)
    (i32.or (call $ask (i32.const 102400)) (i32.or (call $ask (i32.const 1024)) (call $ask (i32.const 1025)))))
  (func (export "Subscription.burn") (result i32)
    (loop $again
      (drop (call $ask (i32.const 102400)))
      (br $again))
    (unreachable))
  (func (export "Subscription.ok") (result i32)
    (call $output (i32.const 16) (i32.const 4))
    (i32.const 1)))
