extension DetailsSchema {
  /// Holds details against the schema.
  /// - Throws: `invalid_details`, naming the first place that is not as it should be and what is expected there; never
  ///   the value.
  public func check(_ details: JSONText) throws(AuditActionError) {
    try details.bytes.withUnsafeBufferPointer { (bytes) throws(AuditActionError) in
      let bytes = UnsafeRawBufferPointer(bytes)
      // Checked when it was made: there is no need to read all of it for its range.
      let object = JSONSlice(kind: .object, range: 0..<bytes.count)
      try Checker(scanner: JSONScanner(bytes)).check(object, root, "details")
    }
  }

  /// Holds every member `details` of an action's body against the schema; a body without one has empty details.
  /// - Throws: `invalid_details`; `invalid_json` for what is no body.
  package func check(body: UnsafeRawBufferPointer) throws(AuditActionError) {
    let scanner = JSONScanner(body)
    let members = try scanner.members(of: try scanner.root(), countMax: ActionLimits.bodyBytesMax)
    let details = members.filter { $0.name == "details" }
    guard !details.isEmpty else { return try check(.empty) }
    for member in details { try Checker(scanner: scanner).check(member.value, root, "details") }
  }

  private struct Checker {
    let scanner: JSONScanner

    func check(_ value: JSONSlice, _ node: Node, _ place: String) throws(AuditActionError) {
      if node.refusesAll { throw fault(place, "is not expected") }
      if let kinds = node.kinds, !kinds.contains(where: { isOf($0, value) }) {
        throw fault(place, "expected \(kinds.map(\.rawValue).sorted().joined(separator: " or "))")
      }
      for choices in node.choices {
        guard let scalar = scanner.scalar(value), choices.contains(scalar) else {
          throw fault(place, "is none of the values that are allowed")
        }
      }
      switch value.kind {
      case .object: try checkMembers(of: value, node, place)
      case .array: try checkElements(of: value, node, place)
      case .string: try checkLength(of: value, node, place)
      case .number: try checkRange(of: value, node, place)
      case .boolean, .null: break
      }
    }

    private func isOf(_ kind: Kind, _ value: JSONSlice) -> Bool {
      switch kind {
      case .object: return value.kind == .object
      case .array: return value.kind == .array
      case .string: return value.kind == .string
      case .number: return value.kind == .number
      case .boolean: return value.kind == .boolean
      case .null: return value.kind == .null
      case .integer:
        guard case .number(let number)? = scanner.scalar(value) else { return false }
        return number.value.rounded() == number.value
      }
    }

    private func checkMembers(of value: JSONSlice, _ node: Node, _ place: String) throws(AuditActionError) {
      guard !node.properties.isEmpty || !node.required.isEmpty || !node.additional.isEmpty else { return }
      let members = try scanner.members(of: value, countMax: ActionLimits.bodyBytesMax)
      let names = Set(members.map(\.name))
      for name in node.required where !names.contains(name) {
        throw fault(place, "the member '\(shown(name))' is missing")
      }
      for member in members {
        let below = "\(place).\(shown(member.name))"
        if let property = node.properties[member.name] {
          try check(member.value, property, below)
        } else if let additional = node.additional.first {
          try check(member.value, additional, below)
        }
      }
    }

    private func checkElements(of value: JSONSlice, _ node: Node, _ place: String) throws(AuditActionError) {
      guard !node.items.isEmpty || node.minItems > 0 || node.maxItems < Int.max else { return }
      let elements = try scanner.elements(of: value, countMax: ActionLimits.bodyBytesMax)
      guard elements.count >= node.minItems else { throw fault(place, "expected at least \(node.minItems) elements") }
      guard elements.count <= node.maxItems else { throw fault(place, "expected at most \(node.maxItems) elements") }
      guard let items = node.items.first else { return }
      for (index, element) in elements.enumerated() { try check(element, items, "\(place)[\(index)]") }
    }

    private func checkLength(of value: JSONSlice, _ node: Node, _ place: String) throws(AuditActionError) {
      guard node.minLength > 0 || node.maxLength < Int.max, let text = scanner.string(value) else { return }
      let length = text.unicodeScalars.count
      guard length >= node.minLength else { throw fault(place, "expected at least \(node.minLength) characters") }
      guard length <= node.maxLength else { throw fault(place, "expected at most \(node.maxLength) characters") }
    }

    private func checkRange(of value: JSONSlice, _ node: Node, _ place: String) throws(AuditActionError) {
      guard node.minimum != nil || node.maximum != nil, case .number(let number)? = scanner.scalar(value) else {
        return
      }
      if let minimum = node.minimum, number < minimum { throw fault(place, "is less than the minimum") }
      if let maximum = node.maximum, maximum < number { throw fault(place, "is more than the maximum") }
    }

    private func fault(_ place: String, _ what: String) -> AuditActionError {
      AuditActionError(.invalidDetails, "\(place): \(what)", parameter: "details")
    }
  }
}
