;; An export whose name is not UTF-8.
;;
;; upload: refused "name is not valid UTF-8" at 22
(module binary
  "\00asm\01\00\00\00"
  "\01\04\01\60\00\00"        ;; a type () -> ()
  "\03\02\01\00"              ;; a function of it
  "\07\06\01\02\c3\28\00\00"  ;; the export
  "\0a\04\01\02\00\0b")       ;; the body
