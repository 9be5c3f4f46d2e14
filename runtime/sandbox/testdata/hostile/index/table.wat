;; A table that is not there.
;;
;; upload: refused "table 1 does not exist" in "function 0" at 46
(module
  (@custom "runnel.schema" "type Subscription { f: String @on(channel: \"c\") }")
  (memory (export "memory") 1)
  (table 1 funcref)
  (func (drop (table.size 1))))
