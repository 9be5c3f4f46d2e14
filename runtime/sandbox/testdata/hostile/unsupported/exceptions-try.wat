;; A try that catches all, traps perhaps among it.
;;
;; upload: refused "not supported: exceptions" in "function 0" at 42
(module
  (@custom "runnel.schema" "type Subscription { f: String @on(channel: \"c\") }")
  (memory (export "memory") 1)
  (func (block $h (try_table (catch_all $h) (unreachable)))))
