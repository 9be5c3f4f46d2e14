;; An instruction that there is not behind a prefix, with a number that is overlong.
;;
;; upload: refused "unknown opcode 0xfc" in "function 0" at 23
(module binary
  "\00asm\01\00\00\00"
  "\01\04\01\60\00\00"              ;; a type () -> ()
  "\03\02\01\00"                    ;; a function of it
  "\0a\08\01\06\00\fc\ff\ff\03\0b") ;; the body
