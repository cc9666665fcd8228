// Conditions and drugs: enough of them to know a clinical text by. Names are the common ones of each language.
#include "policies/sensitivity/scan.hpp"

namespace sluice::policies::detail {

namespace {

// clang-format off
constexpr std::string_view kConditions =
    "diabetes;diabetic;hypertension;hypotension;asthma;copd;pneumonia;bronchitis;tuberculosis;hiv;aids;hepatitis;cirrhosis;cancer;carcinoma;"
    "melanoma;leukemia;leukaemia;lymphoma;myeloma;sarcoma;tumor;tumour;metastas*;glioblastoma;adenocarcinoma;neoplasm;stroke;ischemic;"
    "myocardial infarction;heart attack;heart failure;angina;arrhythmia;atrial fibrillation;tachycardia;bradycardia;coronary artery disease;"
    "deep vein thrombosis;thrombosis;pulmonary embolism;embolism;aneurysm;anemia;anaemia;hemophilia;sickle cell;sepsis;epilepsy;seizure;seizures;"
    "parkinson's disease;parkinson;parkinson's;alzheimer;alzheimer's;dementia;multiple sclerosis;als;migraine;neuropathy;meningitis;encephalitis;"
    "depression;depressive disorder;bipolar*;schizophrenia;anxiety disorder;ptsd;ocd;adhd;autism;anorexia;bulimia;alcoholism;opioid use disorder;substance abuse;"
    "addiction;suicidal*;psychosis;arthritis;rheumatoid*;osteoarthritis;osteoporosis;gout;lupus;fibromyalgia;psoriasis;eczema;dermatitis;"
    "crohn's disease;crohn's;crohn;ulcerative colitis;colitis;ibs;celiac*;gastritis;gerd;ulcer;pancreatitis;appendicitis;cholecystitis;gallstones;diverticulitis;"
    "kidney disease;renal failure;kidney failure;nephritis;dialysis;uti;urinary tract infection;hypothyroidism;hyperthyroidism;thyroid*;obesity;"
    "hyperlipidemia;hypercholesterolemia;high cholesterol;sleep apnea;glaucoma;cataract;retinopathy;endometriosis;pcos;preeclampsia;miscarriage;"
    "abortion;infertility;erectile dysfunction;chlamydia;gonorrhea;syphilis;herpes;hpv;covid*;influenza;malaria;lyme disease;cystic fibrosis;muscular dystrophy;"
    "down syndrome;cerebral palsy;fracture;concussion;hernia;sciatica;lower back pain;chest pain;overdose;"
    "krebs;brustkrebs;herzinfarkt;schlaganfall;bluthochdruck;depressionen;zuckerkrankheit;epilepsie;multiple sklerose;"
    "cancer du sein;hypertension arterielle;diabete;asthme;depression nerveuse;vih;sida;"
    "cancer de mama;hipertension;infarto;depresion;neumonia;insuficiencia*;carcinoma ductal;tumoracion;epilepsia;"
    "tumore;diabete mellito;ipertensione;depressione;hipertensao;diabetes tipo;cancro;"
    "диабет;рак;гипертония;астма;депрессия;вич;инсульт;инфаркт;эпилепсия;гепатит;шизофрения;"
    "糖尿病;癌;癌症;高血压;高血圧;抑郁症;うつ病;艾滋病;哮喘;喘息;乳腺癌;肺癌;肝炎;당뇨;고혈압;우울증;암;천식;간염";

constexpr std::string_view kDrugs =
    "metformin;insulin*;glipizide;sitagliptin;semaglutide;ozempic;liraglutide;empagliflozin;warfarin;apixaban;rivaroxaban;heparin;enoxaparin;clopidogrel;"
    "aspirin 81;atorvastatin;simvastatin;rosuvastatin;pravastatin;lisinopril;enalapril;ramipril;losartan;valsartan;amlodipine;nifedipine;metoprolol;"
    "atenolol;bisoprolol;carvedilol;propranolol;furosemide;spironolactone;hydrochlorothiazide;digoxin;amiodarone;sertraline;fluoxetine;paroxetine;"
    "citalopram;escitalopram;venlafaxine;duloxetine;bupropion;mirtazapine;trazodone;amitriptyline;lithium;lithium carbonate;olanzapine;risperidone;"
    "quetiapine;aripiprazole;haloperidol;clozapine;lamotrigine;valproate;carbamazepine;levetiracetam;gabapentin;pregabalin;alprazolam;xanax;"
    "lorazepam;diazepam;clonazepam;zolpidem;methylphenidate;ritalin;adderall;methadone;buprenorphine;suboxone;naltrexone;oxycodone;hydrocodone;"
    "morphine;fentanyl;tramadol;codeine;truvada;tenofovir;emtricitabine;biktarvy;efavirenz;antiretroviral*;sofosbuvir;acyclovir;valacyclovir;amoxicillin;"
    "azithromycin;ciprofloxacin;doxycycline;vancomycin;prednisone;prednisolone;dexamethasone;methotrexate;adalimumab;humira;infliximab;rituximab;"
    "trastuzumab;pembrolizumab;tamoxifen;letrozole;anastrozole;cisplatin;paclitaxel;doxorubicin;imatinib;levothyroxine;albuterol;salbutamol;"
    "fluticasone;montelukast;omeprazole;pantoprazole;ondansetron;allopurinol;colchicine;alendronate;sildenafil;finasteride;testosterone;estradiol;"
    "levodopa;donepezil;memantine;sumatriptan;isotretinoin;chemotherapy;levonorgestrel;mifepristone;"
    "метформин;инсулин;胰岛素;二甲双胍;インスリン;인슐린";
// clang-format on

}  // namespace

void add_health_words(Phrases& phrases) {
    phrases.add(static_cast<Label>(Context::Condition), kConditions);
    phrases.add(static_cast<Label>(Context::Drug), kDrugs);
}

}  // namespace sluice::policies::detail
