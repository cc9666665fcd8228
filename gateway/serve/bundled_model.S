// The demo model's bytes, as they are in local_engine/demo_model.
    .section .rodata
    .global sluice_bundled_model_begin
    .global sluice_bundled_model_end
    .balign 64
sluice_bundled_model_begin:
    .incbin SLUICE_BUNDLED_MODEL
sluice_bundled_model_end:
    .byte 0
    .section .note.GNU-stack, "", @progbits
