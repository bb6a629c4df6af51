/// The table of modules in the design: what each target may import of what is ours, and of what is guarded.
///
/// Dependencies point down: a target stands below all that may import it. Modules of the toolchain and common packages
/// (logging, metrics, NIO, …) are free; those in ``guarded`` have one owner each.
enum ModuleTable {
  /// Target to the targets of ours it may import.
  static let mayImport: [String: Set<String>] = [
    "Crdkafka": [],
    "Kafka": ["Crdkafka"],
    "AuditActions": ["Cprocessor"],
    "ActionProof": ["AuditActions", "Cprocessor"],
    "QueueMetadata": ["AuditActions", "Kafka"],
    "ActionEmitter": ["AuditActions", "ActionProof", "Cprocessor", "Kafka", "QueueMetadata"],
    "Cprocessor": [],
    "ActionStore": ["AuditActions", "Cprocessor"],
    "ActionIngest": ["Kafka", "AuditActions", "ActionProof", "ActionStore", "QueueMetadata"],
    "FeedServer": ["AuditActions", "ActionStore", "ActionEmitter", "QueueMetadata"],
    "Czlib": [],
    "Czstd": [],
    "ObjectStores": [],
    "ActionArchive": ["Kafka", "AuditActions", "ActionProof", "ObjectStores", "Czlib", "Czstd"],
    "ActionSinks": ["Kafka", "AuditActions"],
    "strandline": [
      "Kafka", "AuditActions", "ActionProof", "ActionEmitter", "ActionStore", "ActionIngest", "FeedServer",
      "ActionArchive", "ActionSinks", "ObjectStores", "QueueMetadata", "Cprocessor",
    ],
    "ExampleWorker": ["ActionEmitter", "AuditActions"],
  ]

  /// Modules and packages' products with the only targets that may import them.
  static let guarded: [String: Set<String>] = [
    "Crdkafka": ["Kafka"],
    "Cprocessor": ["ActionEmitter", "ActionProof", "ActionStore", "AuditActions", "strandline"],
    "GRDB": ["ActionStore"],
    "Hummingbird": ["FeedServer"],
    "AsyncHTTPClient": ["ObjectStores", "ActionSinks", "strandline"],
    "Czlib": ["ActionArchive"],
    "Czstd": ["ActionArchive"],
    "ArgumentParser": ["strandline"],
    "Yams": ["strandline"],
  ]

  /// Why `target` may not import `module`; nil when it may.
  static func objection(to module: String, in target: String) -> String? {
    guard let allowed = mayImport[target] else {
      return "\(target) is not in the table of modules: give it a row there and in DESIGN's table"
    }
    if let owners = guarded[module], !owners.contains(target) {
      return "\(target) imports \(module); only \(owners.sorted().joined(separator: ", ")) may"
    }
    if mayImport[module] != nil, module != target, !allowed.contains(module) {
      return "\(target) imports \(module), which is not below it"
    }
    return nil
  }
}
