//! A plain WASI program in the engine that volts run in.

use std::path::Path;

use wasi_common::pipe::WritePipe;
use wasmtime::{Linker, Store};
use wasmtime_wasi::WasiCtxBuilder;

use crate::volt::compile;

/// Runs the program to its end and returns what it wrote to standard output. It sees these words, the
/// clocks, and no file.
///
/// # Errors
/// What is wrong with the wasm, or why the program stopped.
pub fn run(wasm: &Path, words: &[String]) -> anyhow::Result<Vec<u8>> {
    let module = compile(wasm)?;
    let stdout = WritePipe::new_in_memory();
    let mut builder = WasiCtxBuilder::new();
    builder.stdout(Box::new(stdout.clone())).inherit_stderr().arg("program")?.args(words)?;
    let mut store = Store::new(module.engine(), builder.build());
    let mut linker = Linker::new(module.engine());
    wasmtime_wasi::add_to_linker(&mut linker, |wasi| wasi)?;
    let instance = linker.instantiate(&mut store, &module)?;
    instance.get_typed_func::<(), ()>(&mut store, "_start")?.call(&mut store, ())?;
    // With the store goes the program's own handle of the pipe.
    drop(store);
    let written = stdout.try_into_inner().map_err(|_| anyhow::anyhow!("the program still writes"))?;
    Ok(written.into_inner())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_programs_output_is_returned() {
        let wasm = std::env::temp_dir().join(format!("volt-program-{}.wat", std::process::id()));
        let program = r#"(module
            (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
            (memory (export "memory") 1)
            (data (i32.const 0) "\08\00\00\00\03\00\00\00hi\n")
            (func (export "_start") (drop (call $write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 100)))))"#;
        std::fs::write(&wasm, wat::parse_str(program).unwrap()).unwrap();
        assert_eq!(run(&wasm, &[]).unwrap(), b"hi\n");
        std::fs::remove_file(&wasm).unwrap();
    }
}
