/* SPDX-License-Identifier: MIT */
/*
 * The first page: header of an arm64 Image (Linux Documentation/arm64/booting.rst) and, where its last field points to, of a PE32+ file
 * (Microsoft PE format; UEFI 2.1.1), so that the same file is an EFI application. Addresses in it are offsets from the image's start, for
 * file and memory alike. Sections are whole pages, and no section is both written and executed: firmware protects them by these headers.
 *
 * The PE header is at 0x40, as GRUB 2.06 expects. There are no relocations, as what runs under UEFI has no absolute addresses
 * (scripts/position.py); bit 0 of the characteristics, which would say that they were stripped, stays clear.
 */
#define CODE    0x60000020               /* code; execute, read */
#define RODATA  0x40000040               /* initialised data; read */
#define DATA    0xc0000040               /* and write */
#define BSS     0xc0000080               /* uninitialised data; read, write */

        /* Name, end of the linker script's symbols for it, bytes in the file, characteristics. */
        .macro  pe_section name, symbol, file_size, flags
1:      .ascii  "\name"
        .zero   8 - (. - 1b)
        .long   pe_\symbol\()_size
        .long   pe_\symbol\()_at        // VirtualAddress
        .long   \file_size
        .ifc    \file_size, 0
        .long   0
        .else
        .long   pe_\symbol\()_at        // PointerToRawData
        .endif
        .quad   0                        // no relocations, no line numbers
        .long   0
        .long   \flags
        .endm

        .section .head.text, "ax"
        .global image_start_code
image_start_code:
        add     x13, x18, #0x16          // "MZ": harmless as an instruction
        b       entry
        .quad   0                        // text_offset
        .quad   image_size               // from the linker script; includes .bss
        .quad   0xa                      // flags: little endian, 4K pages, anywhere in memory
        .quad   0
        .quad   0
        .quad   0
        .ascii  "ARM\x64"
        .long   pe_header - image_start_code

pe_header:
        .ascii  "PE\0\0"
        .short  0xaa64                   // machine: ARM64
        .short  (pe_sections_end - pe_sections) / 40
        .long   0                        // time: none, a build is to be repeatable
        .quad   0                        // no symbols
        .short  pe_sections - pe_optional        // SizeOfOptionalHeader
        .short  0x206                    // executable, no line numbers, debugging information elsewhere
pe_optional:
        .short  0x20b                    // PE32+
        .short  0
        .long   pe_all_code
        .long   pe_all_data
        .long   pe_bss_size
        .long   pe_entry                 // AddressOfEntryPoint
        .long   pe_text_at               // BaseOfCode
        .quad   0                        // ImageBase: any
        .long   4096                     // SectionAlignment
        .long   4096                     // FileAlignment
        .zero   16                       // versions
        .long   image_size
        .long   pe_text_at               // SizeOfHeaders
        .long   0                        // CheckSum
        .short  10                       // Subsystem: EFI application
        .short  0x100                    // NX_COMPAT: data need not be executable
        .zero   32                       // stack and heap are firmware's affair
        .long   0
        .long   6                        // data directories; the fifth is for a signature
        .zero   6 * 8
pe_sections:
        pe_section .text, text, pe_text_size, CODE
        pe_section .rodata, rodata, pe_rodata_size, RODATA
        pe_section .data, data, pe_data_size, DATA
        pe_section .boot, boot, pe_boot_size, CODE
        pe_section .bdata, bdata, pe_bdata_size, DATA
        pe_section .sbat, sbat, pe_sbat_size, RODATA
        pe_section .bss, bss, 0, BSS
pe_sections_end:

/* Generations for revocation by shim (shim's document on SBAT): the specification's, and Argon's own. */
        .section .sbat, "a"
        .ascii  "sbat,1,SBAT Version,sbat,1,https://github.com/rhboot/shim/blob/main/SBAT.md\n"
        .ascii  "argon,1,Argon,argon-hypervisor,1,-\n"
