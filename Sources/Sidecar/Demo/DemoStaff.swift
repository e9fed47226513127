// Owns who and what there is in the demo's hospital: staff, and patients with who looks after them.
// Called by the sample application and by the cast.
// Never knows who is online.

/// Somebody who may sign in to the sample application; every password is `demo`.
struct DemoUser: Sendable {
    let id: Int
    let login: String
    let name: String
    let role: String
    let ward: String
    let phone: Int

    var isAdmin: Bool { id == 1 }

    init(_ id: Int, _ login: String, _ name: String, _ role: String, _ ward: String) {
        self.id = id
        self.login = login
        self.name = name
        self.role = role
        self.ward = ward
        phone = 4100 + id
    }

    static func with(id: Int) -> DemoUser? { all.first { $0.id == id } }

    static let all = [
        DemoUser(1, "ada", "Ada Lindqvist", "Administrator", "Office"),
        DemoUser(2, "grace", "Grace Okafor", "Surgeon", "Surgery"),
        DemoUser(3, "linus", "Linus Berg", "Anaesthetist", "Surgery"),
        DemoUser(4, "barbara", "Barbara Novak", "Nurse", "Ward 3"),
        DemoUser(5, "edsger", "Edsger de Vries", "Radiologist", "Radiology"),
        DemoUser(6, "margaret", "Margaret Hale", "Physiotherapist", "Ward 3"),
        DemoUser(7, "tim", "Tim Adeyemi", "Nurse", "Ward 3"),
        DemoUser(8, "hedy", "Hedy Brandt", "Head nurse", "Ward 3"),
        DemoUser(9, "alan", "Alan Mercer", "Physician", "Ward 3"),
        DemoUser(10, "radia", "Radia Haddad", "Physician", "Ward 4"),
        DemoUser(11, "donald", "Donald Kim", "Nurse", "Ward 4"),
        DemoUser(12, "frances", "Frances Moreau", "Nurse", "Ward 4"),
        DemoUser(13, "dennis", "Dennis Walsh", "Porter", "Services"),
        DemoUser(14, "katherine", "Katherine Osei", "Pharmacist", "Pharmacy"),
        DemoUser(15, "john", "John Castellano", "Cardiologist", "Ward 4"),
        DemoUser(16, "sophie", "Sophie Wilkens", "Nurse", "Ward 4"),
        DemoUser(17, "guido", "Guido Ferrari", "Physician", "Emergency"),
        DemoUser(18, "joan", "Joan Petersen", "Nurse", "Emergency"),
        DemoUser(19, "ken", "Ken Ishikawa", "Surgeon", "Surgery"),
        DemoUser(20, "lynn", "Lynn Abrams", "Nurse", "Emergency"),
        DemoUser(21, "niklaus", "Niklaus Keller", "Laboratory technician", "Laboratory"),
        DemoUser(22, "shafi", "Shafi Rahman", "Neurologist", "Ward 4"),
        DemoUser(23, "tony", "Tony Duarte", "Porter", "Services"),
        DemoUser(24, "mary", "Mary Sinclair", "Dietitian", "Services"),
        DemoUser(25, "leslie", "Leslie Grant", "Social worker", "Office"),
        DemoUser(26, "rosa", "Rosa Jimenez", "Nurse", "Ward 3"),
        DemoUser(27, "peter", "Peter Lund", "Physician", "Emergency"),
        DemoUser(28, "evelyn", "Evelyn Baptiste", "Midwife", "Maternity"),
        DemoUser(29, "ivan", "Ivan Horvat", "Obstetrician", "Maternity"),
        DemoUser(30, "jean", "Jean Bartels", "Nurse", "Maternity"),
        DemoUser(31, "claude", "Claude Meunier", "Radiographer", "Radiology"),
        DemoUser(32, "anita", "Anita Desrosiers", "Secretary", "Office"),
    ]
}

/// Somebody who is looked after.
struct DemoPatient: Sendable {
    let id: Int
    let bed: String
    let name: String
    let born: String
    let doctor: DemoUser
    let nurse: DemoUser

    init?(
        _ id: Int, _ bed: String, _ name: String, _ born: String, doctor: Int, nurse: Int
    ) {
        guard let doctor = DemoUser.with(id: doctor), let nurse = DemoUser.with(id: nurse) else {
            return nil
        }
        self.id = id
        self.bed = bed
        self.name = name
        self.born = born
        self.doctor = doctor
        self.nurse = nurse
    }

    static let all = [
        DemoPatient(501, "301 A", "Aaltonen, Matti", "1948-03-02", doctor: 9, nurse: 4),
        DemoPatient(502, "301 B", "Boateng, Kofi", "1971-11-19", doctor: 2, nurse: 4),
        DemoPatient(503, "302 A", "Cruz, Elena", "1990-06-30", doctor: 9, nurse: 7),
        DemoPatient(504, "302 B", "Dubois, Odile", "1936-01-12", doctor: 19, nurse: 26),
        DemoPatient(505, "303", "Eriksen, Kari", "1985-08-08", doctor: 2, nurse: 26),
        DemoPatient(506, "401 A", "Fofana, Awa", "2001-02-27", doctor: 10, nurse: 11),
        DemoPatient(507, "401 B", "Gupta, Neha", "1967-09-14", doctor: 15, nurse: 12),
        DemoPatient(508, "402", "Hoffmann, Jutta", "1955-12-01", doctor: 22, nurse: 16),
        DemoPatient(509, "403 A", "Ivanova, Daria", "1979-04-23", doctor: 15, nurse: 11),
        DemoPatient(510, "403 B", "Jansen, Wim", "1943-07-17", doctor: 10, nurse: 12),
        DemoPatient(511, "E 2", "Kowalski, Piotr", "1996-10-05", doctor: 17, nurse: 18),
        DemoPatient(512, "E 4", "Lopes, Rui", "1988-05-21", doctor: 27, nurse: 20),
        DemoPatient(513, "M 1", "Mbeki, Thandi", "1994-03-15", doctor: 29, nurse: 28),
        DemoPatient(514, "M 2", "Nguyen, Linh", "1992-12-28", doctor: 29, nurse: 30),
    ].compactMap(\.self)
}
