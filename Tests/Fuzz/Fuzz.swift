import Foundation
import Synchronization

/// Makes inputs for every way in from outside, most of them nearly right, and checks what must hold for any.
///
///     Fuzz [--inputs 10000000] [--seed N] [--only TARGET,…] [--from ITERATION] [--jobs N]
///
/// A crash, a hang of over 10 s or a finding is told with the flags that make the same input again. Memory at a fifth
/// of the run is held against memory at its end.
@main
struct Fuzz {
  static let targets: [any FuzzTarget.Type] = [
    TokenTarget.self, RequestTargetTarget.self, JSONTarget.self, RecordTarget.self, PostTarget.self,
    SegmentTarget.self, IndexTarget.self, PipelineTarget.self, LoopbackTarget.self, TopicTarget.self,
    DirectoryTarget.self, ArchiveTarget.self, RangesTarget.self,
  ]
  /// Every target has its turn this many times, so that a fifth of a run has seen all of them.
  static let rounds = 20

  static func main() {
    let options: FuzzOptions
    do { options = try FuzzOptions(Array(CommandLine.arguments.dropFirst()), targets: targets.map { $0.name }) } catch {
      FileHandle.standardError.write(Data("\(error)\n".utf8))
      exit(64)
    }
    // Temporary files of every target lie in one folder that is removed on every orderly way out.
    let folder = Scratch.make()
    print("seed \(options.seed), \(options.inputs) inputs, \(options.jobs) threads")
    fflush(nil)
    FlightRecorder.begin(seed: options.seed, targets: targets.map { $0.name })
    let run = FuzzRun(options: options, targets: targets)
    run.start()
    while !run.isDone { usleep(20_000) }
    let failed = run.report()
    Scratch.remove(folder)
    exit(failed ? 1 : 0)
  }
}

struct FuzzOptions {
  struct Fault: Error, CustomStringConvertible { let description: String }

  var inputs = 10_000_000
  var seed = UInt64.random(in: 0...UInt64(UInt32.max))
  var only: Set<String> = []
  var from: UInt64 = 0
  var jobs = max(1, ProcessInfo.processInfo.activeProcessorCount)

  init(_ arguments: [String], targets: [String]) throws(Fault) {
    var rest = arguments[...]
    func number(_ text: String?, _ flag: String) throws(Fault) -> UInt64 {
      guard let text, let value = UInt64(text.filter { $0 != "_" }) else {
        throw Fault(description: "\(flag) takes a number")
      }
      return value
    }
    while let flag = rest.popFirst() {
      switch flag {
      case "--inputs": inputs = max(1, Int(clamping: try number(rest.popFirst(), flag)))
      case "--seed": seed = try number(rest.popFirst(), flag)
      case "--from": from = try number(rest.popFirst(), flag)
      case "--jobs": jobs = min(FlightRecorder.slotsMax, max(1, Int(clamping: try number(rest.popFirst(), flag))))
      case "--only":
        only = Set((rest.popFirst() ?? "").split(separator: ",").map(String.init))
        if let stranger = only.first(where: { !targets.contains($0) }) {
          throw Fault(description: "there is no target '\(stranger)'; there are \(targets.joined(separator: ", "))")
        }
      default: throw Fault(description: "unknown flag \(flag); see Fuzz.swift")
      }
    }
    if inputs < 1_000 { jobs = 1 }
  }
}
