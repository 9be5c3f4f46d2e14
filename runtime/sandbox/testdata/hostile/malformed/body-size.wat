;; A body that is longer than it says, so that the next begins in its middle.
;;
;; upload: refused "" in "function 0" at 24
(module binary
  "\00asm\01\00\00\00"
  "\01\04\01\60\00\00"     ;; a type () -> ()
  "\03\02\01\00"           ;; a function of it
  "\0a\05\01\02\00\01\0b") ;; a body of 2 bytes that has 3
