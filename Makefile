# The chores. Everything else is cmake --preset NAME, ninja and ctest --preset NAME.
.PHONY: dev test quick format tidy bench run

dev:
	cmake --preset dev && cmake --build --preset dev

test:
	tests/run.sh

quick:
	tests/run.sh --preset dev

run:
	deploy/run.sh

format:
	git ls-files '*.cpp' '*.hpp' | xargs clang-format -i

# Files that differ from main; FILES="a.cpp b.cpp" or FILES=all chooses others.
tidy: dev
	tests/tidy.sh $(FILES)

bench:
	cmake --preset release -DSLUICE_TESTS=ON && cmake --build --preset release
	@echo "the benches are in build/release/tests/bench; docs/benchmarks.md says how to run them"
