;; A constant expression that computes.
;;
;; upload: refused "not supported: extended constant expressions" at 22
(module
  (@custom "runnel.schema" "type Subscription { f: String @on(channel: \"c\") }")
  (memory (export "memory") 1)
  (global i32 (i32.add (i32.const 1) (i32.const 2))))
