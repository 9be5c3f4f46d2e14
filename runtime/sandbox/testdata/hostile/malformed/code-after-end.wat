;; Instructions after the last end of a body.
;;
;; upload: refused "after" in "function 0" at 24
(module binary
  "\00asm\01\00\00\00"
  "\01\04\01\60\00\00"        ;; a type () -> ()
  "\03\02\01\00"              ;; a function of it
  "\0a\06\01\04\00\0b\01\0b") ;; a body: end, nop, end
