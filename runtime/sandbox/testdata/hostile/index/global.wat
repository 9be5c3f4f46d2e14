;; global.set of the global behind the last, where the host puts the counter.
;;
;; upload: refused "global 1 does not exist" in "function 0" at 59
(module
  (@custom "runnel.schema" "type Subscription { f: String @on(channel: \"c\") }")
  (memory (export "memory") 1)
  (global i32 (i32.const 0))
  (func (global.set 1 (i64.const 9223372036854775807))))
