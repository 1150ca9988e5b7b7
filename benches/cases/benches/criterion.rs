//! All cases natively, by criterion; run by `cargo bench` in the root package.

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use stream_cases::{Case, cases};

fn stream(criterion: &mut Criterion) {
    for Case { name, input, subjects, .. } in cases() {
        let chunks = input.chunks();
        let mut group = criterion.benchmark_group(name);
        group.throughput(Throughput::Bytes(input.body.len() as u64));
        for (subject, read) in subjects {
            group.bench_function(subject, |bencher| bencher.iter(|| read(&chunks)));
        }
        group.finish();
    }
}

criterion_group!(benches, stream);
criterion_main!(benches);
