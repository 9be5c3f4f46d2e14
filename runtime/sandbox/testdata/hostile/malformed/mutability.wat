;; A global that is neither mutable nor not.
;;
;; upload: refused "bad mutability 0x02" at 12
(module binary
  "\00asm\01\00\00\00"
  "\06\06\01\7f\02\41\00\0b") ;; the global
